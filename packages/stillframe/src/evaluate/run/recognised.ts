import type { Evaluation } from "../evaluation.js";
import type { ArmValue, Difference } from "../measure.js";
import { RECOGNISED, type Recognised, type RecognisedMetric, recognise, recognizes, total } from "../recognition.js";
import type { ArmPictures } from "./draw-arms.js";
import { clustersOf, type Of, rowsOf, selectRows, type View } from "./measure-arms.js";
import { meanScores } from "./scores.js";
import type { TakenFeatures } from "./take-features.js";

interface RecognisedOptions {
  readonly resamples: number;
  readonly seed: number;
}

/** Shares of what is recognised in the arms of a view, and all that stands behind them. */
export interface RecognisedArms {
  readonly values: Of<ArmValue>[];
  readonly differences: Of<Difference>[];
  /** In the order of the view's arms. */
  readonly arms: NonNullable<Evaluation["recognition"]>[number]["arms"];
}

const METRICS = Object.keys(RECOGNISED) as RecognisedMetric[];

/**
 * What the network recognises in the arms' pictures; of names and attributes only where prompts ask for them.
 *
 * @returns nothing for a network that recognises nothing
 */
export function recognisedIn(
  { network: { extractor }, arms: sets }: TakenFeatures,
  view: View,
  { arms, ...options }: RecognisedOptions & { arms: readonly ArmPictures[] },
): RecognisedArms | null {
  if (!recognizes(extractor)) return null;
  const first = arms[view.arms[0] as number] as ArmPictures;
  const expected = first.expected === null ? null : rowsOf(first.expected, view.rows);
  const found = view.arms.map((i) => {
    const features = selectRows((sets[i] as TakenFeatures["arms"][number]).features, view.rows);
    try {
      return { arm: (arms[i] as ArmPictures).arm.name, ...recognise(extractor.recognition, features, expected) };
    } finally {
      features.dispose();
    }
  });
  const clusters = clustersOf(first, view.rows);
  const scored = METRICS.map((metric) => sharesOf(metric, found, { ...options, clusters }));
  const named = <T extends object>(entries: readonly T[]) => entries.map((e) => ({ ...e, network: extractor.name }));
  return {
    values: named(scored.flatMap((s) => s.values)),
    differences: named(scored.flatMap((s) => s.differences)),
    arms: found.map(({ arm, style, name, attributes, questions }) => ({
      arm,
      style: total(style),
      name: total(name),
      attributes: total(attributes),
      questions: { ...questions },
    })),
  };
}

/** The share of one metric in every arm, over the pictures that were asked for it. */
function sharesOf(
  metric: RecognisedMetric,
  found: readonly (Recognised & { readonly arm: string })[],
  { clusters, ...options }: RecognisedOptions & { clusters: readonly string[] | null },
): ReturnType<typeof meanScores> {
  const shares = found.map((arm) => arm[RECOGNISED[metric]]);
  const rows = (shares[0] ?? []).flatMap(({ of }, row) => (of > 0 ? [row] : []));
  if (rows.length === 0) return { values: [], differences: [] };
  const of = (arm: number) =>
    rows.map((row) => (shares[arm] as Recognised["style"])[row] as { right: number; of: number });
  const scores = found.map(({ arm }, i) => ({
    arm,
    values: Float64Array.from(of(i), (s) => s.right / s.of),
    weights: Float64Array.from(of(i), (s) => s.of),
  }));
  return meanScores(metric, scores, { ...options, clusters: clusters === null ? null : rowsOf(clusters, rows) });
}
