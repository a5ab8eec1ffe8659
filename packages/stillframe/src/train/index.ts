import { parseTrainOptions, type TrainEvent, type TrainOptionsInput } from "@stillframe/schema";
import { TrainingRun, type TrainResult } from "./run.js";

/**
 * Trains a LoRA (or the whole model) and tells what happens as it happens. The same options, data and seed on the same
 * engine give the same bytes. After `signal` the step in hand is finished and a checkpoint written.
 *
 * @throws OptionsError, InvalidArgumentError, FileFormatError, WeightsError on what it was given
 * @throws NotFiniteError when a loss or a latent is NaN, RunFailedError when a disk is full or a file cannot be read or
 *   written any more; the last event is then `run_failed`
 * @example
 * for await (const event of train({ pretrained_model_name_or_path: "sdxl", train_data_dir: "stills", rank: 16 }))
 *   if (event.type === "step") console.log(event.step, event.loss);
 */
export async function* train(
  options: TrainOptionsInput,
  { signal }: { signal?: AbortSignal } = {},
): AsyncGenerator<TrainEvent, TrainResult> {
  return yield* new TrainingRun(parseTrainOptions(options as Record<string, unknown>), signal).run();
}

export type { TrainResult } from "./run.js";
