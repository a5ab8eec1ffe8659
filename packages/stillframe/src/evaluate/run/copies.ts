import { relative } from "node:path";
import type { EvaluateEvent } from "@stillframe/schema";
import type { Evaluation } from "../evaluation.js";
import { type FeatureSet, type MeasuredPicture, sharedPictures } from "../inputs.js";
import type { FeatureKind } from "../measure.js";
import { copyCheck } from "../nearest.js";
import { fitted } from "./fitted.js";
import { selectRows } from "./measure-arms.js";
import { sizeOf, type TakenFeatures, takeSet } from "./take-features.js";

/** Which features see a copy best, the best first. */
const SEES_COPIES: readonly FeatureKind[] = ["dinov2", "clip", "classifier", "inception"];
const SHOWN_PAIRS = 12;

interface CopyOptions {
  readonly outputDir: string;
  /** Index of the arm that is looked at, and its name. */
  readonly arm: number;
  readonly name: string;
  readonly fit: boolean;
  readonly batchSize: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Looks for each picture of an arm for the training picture that it is most like. Real pictures that are not training
 * pictures show what likeness is to be expected without copying.
 *
 * @returns also how many of the real pictures are training pictures
 */
export async function* findCopies(
  taken: readonly TakenFeatures[],
  training: readonly string[],
  options: CopyOptions,
): AsyncGenerator<EvaluateEvent, { copies: NonNullable<Evaluation["copies"]>; trained: number }> {
  const order = (t: TakenFeatures) => SEES_COPIES.indexOf(t.network.kind);
  const { network, real, arms } = [...taken].sort((a, b) => order(a) - order(b))[0] as TakenFeatures;
  const generated = arms[options.arm] as FeatureSet;
  const extractor = options.fit ? fitted(network.extractor, sizeOf(generated)) : network.extractor;
  const { batchSize, signal } = options;
  const known = yield* takeSet("training", training, extractor, { batchSize, signal, duplicates: "allow" });
  const shared = new Set(sharedPictures(known.pictures, real?.pictures ?? []).map(([, path]) => path));
  const heldOut = real?.pictures.flatMap((p, row) => (shared.has(p.path) ? [] : [row])) ?? [];
  const held = real === null || heldOut.length === 0 ? null : selectRows(real.features, heldOut);
  try {
    const found = copyCheck(generated.features, known.features, {
      top: SHOWN_PAIRS,
      ...(held === null ? {} : { heldOut: held }),
    });
    const file = (pictures: readonly MeasuredPicture[], row: number) =>
      relative(options.outputDir, (pictures[row] as MeasuredPicture).path);
    return {
      copies: {
        network: network.extractor.name,
        arm: options.name,
        mean: found.mean,
        held_out_most: found.heldOutMost,
        beyond_held_out: found.beyondHeldOut,
        threshold: found.threshold,
        copies: found.copies,
        top: found.top.map((pair) => ({
          picture: file(generated.pictures, pair.picture),
          training: file(known.pictures, pair.training),
          similarity: pair.similarity,
        })),
      },
      trained: shared.size,
    };
  } finally {
    held?.dispose();
    known.features.dispose();
  }
}
