import { type ReproduceOptionsInput, reproduceOptions, type TrainEvent, type TrainOptions } from "@stillframe/schema";
import { engineInfo, setThreads } from "@stillframe/torch";
import { invalid } from "@stillframe/torch/errors";
import { readManifest } from "../card/run-record.js";
import type { HubOptions } from "../hub/index.js";
import { train } from "../train/index.js";
import { compareResults, compareWeights, type ResultCheck, type WeightDifference } from "./compare.js";
import { checkInputs, type HashingEvent, type InputCheck } from "./input-check.js";
import { reproductionOptions } from "./options.js";
import { readSource } from "./source.js";

/** What was looked at before training. */
export interface InputsChecked {
  readonly type: "inputs_checked";
  readonly checks: readonly InputCheck[];
  /** What the second run is trained with. */
  readonly options: TrainOptions;
}

/** The run is not made again, because it would be another one. */
export interface InputsDiffer {
  readonly type: "inputs_differ";
  readonly checks: readonly InputCheck[];
}

/** How the second run came out. */
export type Reproduced = Comparison<"reproduction_equal"> | Comparison<"reproduction_differs">;

interface Comparison<T> {
  readonly type: T;
  readonly results: readonly ResultCheck[];
  /** Of the adapter's weights, where both files are here. */
  readonly difference: WeightDifference | undefined;
  /** Inputs that were not those of the first run: where to look for the reason. */
  readonly changed: readonly InputCheck[];
}

/** What a reproduction tells: its own events, and those of the training. */
export type ReproduceEvent = TrainEvent | HashingEvent | InputsChecked | InputsDiffer | Reproduced;

export interface ReproduceControl {
  readonly signal?: AbortSignal | undefined;
  /** The Hub, for a source that is a repository. */
  readonly hub?: HubOptions | undefined;
}

/**
 * Trains a run again from its manifest. First data, base model and engine are compared with what the manifest names; where
 * data or base are others, nothing is trained unless `allow_changes`. Afterwards the results are compared byte by byte.
 *
 * @throws InvalidArgumentError when the source has no manifest, or its run has no results yet
 * @example
 * for await (const event of reproduce({ source: "runs/first", output_dir: "runs/second" }))
 *   if (event.type === "reproduction_equal") console.log("the same bytes");
 */
export async function* reproduce(
  input: ReproduceOptionsInput,
  { signal, hub }: ReproduceControl = {},
): AsyncGenerator<ReproduceEvent, void> {
  const given = reproduceOptions.parse(input);
  const source = await readSource(given.source, { ...hub, signal });
  const { manifest } = source;
  if (!given.check_only && manifest.results.length === 0)
    throw invalid("source", "a finished run, whose results can be compared", given.source);
  const { options, unknown } = reproductionOptions(source, given);
  const threads = engineInfo().threads;
  // Sums are split among threads: another number of them rounds differently.
  if (manifest.engine.device === "cpu") setThreads(manifest.engine.threads);
  try {
    const checks = [...unknown, ...(yield* checkInputs(manifest, options, signal))];
    yield { type: "inputs_checked", checks, options };
    const decisive = checks.filter(({ same, decisive }) => decisive && !same);
    if (decisive.length > 0 && !(given.allow_changes && !given.check_only))
      yield { type: "inputs_differ", checks: decisive };
    else if (!given.check_only) {
      const { interrupted } = yield* train(options, { ...(signal && { signal }) });
      if (!interrupted) yield await compared(source, { folder: options.output_dir, checks });
    }
  } finally {
    setThreads(threads);
  }
}

async function compared(
  { manifest, folder: first }: Awaited<ReturnType<typeof readSource>>,
  { folder: second, checks }: { folder: string; checks: readonly InputCheck[] },
): Promise<Reproduced> {
  const results = compareResults(manifest.results, readManifest(second).results);
  const other = results.find(({ same }) => !same);
  const difference = other === undefined ? undefined : await compareWeights(other, { first, second });
  const changed = checks.filter(({ same }) => !same);
  return { type: other === undefined ? "reproduction_equal" : "reproduction_differs", results, difference, changed };
}

export type { ResultCheck, WeightDifference } from "./compare.js";
export type { HashingEvent, InputCheck } from "./input-check.js";
