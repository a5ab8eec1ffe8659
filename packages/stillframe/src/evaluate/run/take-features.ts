import type { EvaluateEvent } from "@stillframe/schema";
import { InvalidArgumentError } from "@stillframe/torch/errors";
import { emitted } from "../../prepare/emitted.js";
import type { FeatureExtractor } from "../extractor.js";
import { collectFeatures, type FeatureSet, type InputOptions, sharedPictures } from "../inputs.js";
import type { ArmPictures } from "./draw-arms.js";
import { fitted, type Size } from "./fitted.js";
import type { Network } from "./networks.js";

/** Features of every set with one network. */
export interface TakenFeatures {
  readonly network: Network;
  /** Null where the real pictures are known by their statistics alone. */
  readonly real: FeatureSet | null;
  /** In the order of the arms. */
  readonly arms: readonly FeatureSet[];
}

interface TakeOptions {
  readonly batchSize: number;
  readonly signal: AbortSignal | undefined;
}

/** Features of one set of pictures, with its progress. */
export async function* takeSet(
  name: string,
  paths: readonly string[],
  extractor: FeatureExtractor,
  { batchSize, signal, ...checks }: TakeOptions & Pick<InputOptions, "sizes" | "duplicates">,
): AsyncGenerator<EvaluateEvent, FeatureSet> {
  return yield* emitted<EvaluateEvent, FeatureSet>((emit) =>
    collectFeatures(paths, extractor, {
      batchSize,
      ...checks,
      ...(signal === undefined ? {} : { signal }),
      onProgress: ({ done, total, picturesPerSecond }) =>
        emit({
          type: "features",
          set: name,
          network: extractor.name,
          done,
          total,
          pictures_per_second: picturesPerSecond,
        }),
    }),
  );
}

/**
 * Features of the real pictures and of every arm.
 *
 * @param options.fit whether real pictures are brought to the size of the generated ones
 * @throws InvalidArgumentError for arms whose sizes differ, pictures that are there twice, and generated pictures that
 * are real ones
 */
export async function* takeFeatures(
  network: Network,
  { real, arms }: { real: readonly string[] | null; arms: readonly ArmPictures[] },
  { fit, ...options }: TakeOptions & { fit: boolean },
): AsyncGenerator<EvaluateEvent, TakenFeatures> {
  const sets: FeatureSet[] = [];
  try {
    for (const { arm, paths } of arms) {
      sets.push(yield* takeSet(arm.name, paths, network.extractor, { ...options, sizes: "equal" }));
      checkSizes(sets, arms);
    }
    if (real === null) return { network, real, arms: sets };
    const extractor = fit ? fitted(network.extractor, sizeOf(sets[0] as FeatureSet)) : network.extractor;
    const taken = yield* takeSet("real", real, extractor, options);
    const twin = sets.flatMap((set) => sharedPictures(taken.pictures, set.pictures))[0];
    if (twin !== undefined) {
      taken.features.dispose();
      throw new InvalidArgumentError(
        `expected generated pictures that are not real ones but received one that is both: ${twin[0]} and ${twin[1]}`,
      );
    }
    return { network, real: taken, arms: sets };
  } catch (e) {
    for (const set of sets) set.features.dispose();
    throw e;
  }
}

/** The size of a set's pictures, which have one. */
export function sizeOf({ pictures }: FeatureSet): Size {
  const { width, height } = pictures[0] as Size;
  return { width, height };
}

function checkSizes(sets: readonly FeatureSet[], arms: readonly ArmPictures[]): void {
  const [first, last] = [sizeOf(sets[0] as FeatureSet), sizeOf(sets.at(-1) as FeatureSet)];
  if (first.width === last.width && first.height === last.height) return;
  const name = (i: number) => arms[i]?.arm.name;
  throw new InvalidArgumentError(
    `expected arms of one size but received ${first.width} × ${first.height} (${name(0)}) and ${last.width} × ${last.height} (${name(sets.length - 1)})`,
  );
}
