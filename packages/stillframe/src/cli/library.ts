import type {
  EvaluateEvent,
  EvaluateOptions,
  GenerateEvent,
  GenerateOptions,
  PrepareEvent,
  PrepareOptions,
  TrainEvent,
  TrainOptions,
} from "@stillframe/schema";
import type { publishRun } from "../card/publish-run.js";
import type { writeCard } from "../card/write-card.js";
import type { pull } from "../publish/pull.js";
import type { reproduce } from "../reproduce/index.js";

/** How a caller stops a run: it ends after the step in hand. */
export interface Control {
  readonly signal: AbortSignal;
}

/** Trains; the run tells its events. */
export type Train = (options: TrainOptions, control: Control) => AsyncGenerator<TrainEvent, unknown>;
/** Looks at pictures and encodes them; the preparation tells its events. */
export type Prepare = (options: PrepareOptions, control: Control) => AsyncGenerator<PrepareEvent, unknown>;
/** Makes pictures; the run tells its events. */
export type Generate = (options: GenerateOptions, control: Control) => AsyncGenerator<GenerateEvent, unknown>;

/** Measures pictures; the run tells its events. */
export type Evaluate = (options: EvaluateOptions, control: Control) => AsyncGenerator<EvaluateEvent, unknown>;

/** What `doctor` found. */
export interface Diagnosis {
  /** Name and value of each thing that was looked at, in the order to show. */
  readonly facts: readonly { readonly name: string; readonly value: string }[];
  readonly problems: readonly {
    readonly problem: string;
    /** What to do about it. */
    readonly remedy: string;
    /** Whether nothing works until it is done. */
    readonly fatal: boolean;
  }[];
}
/** Makes a model with random weights in a folder. */
export type MakeRandomModel = (folder: string, options: { seed: number; size: "tiny" | "small" }) => void;
export type Diagnose = () => Promise<Diagnosis>;

/**
 * The functions behind the commands. Each is loaded when its command runs, so that help and messages about options
 * need neither libtorch nor its loading time.
 */
export interface Library {
  train(): Promise<Train>;
  prepare(): Promise<Prepare>;
  generate(): Promise<Generate>;
  evaluate(): Promise<Evaluate>;
  writeCard(): Promise<typeof writeCard>;
  publishRun(): Promise<typeof publishRun>;
  pull(): Promise<typeof pull>;
  reproduce(): Promise<typeof reproduce>;
  makeRandomModel(): Promise<MakeRandomModel>;
  diagnose(): Promise<Diagnose>;
}

/** The library of this package. */
export const library: Library = {
  train: async () => (await import("../train/index.js")).train,
  prepare: async () => (await import("../prepare/index.js")).prepare,
  generate: async () => (await import("../generate/index.js")).generate,
  evaluate: async () => (await import("../evaluate/run/index.js")).evaluate,
  writeCard: async () => (await import("../card/index.js")).writeCard,
  publishRun: async () => (await import("../card/index.js")).publishRun,
  pull: async () => (await import("../publish/index.js")).pull,
  reproduce: async () => (await import("../reproduce/index.js")).reproduce,
  makeRandomModel: async () => (await import("../make-model/index.js")).makeRandomModel,
  diagnose: async () => (await import("../doctor/index.js")).diagnose,
};
