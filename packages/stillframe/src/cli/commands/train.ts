import { type TrainEvent, type TrainOptions, trainOptions } from "@stillframe/schema";
import { command } from "../command.js";
import { quoted, resumeCommand } from "../command-line.js";
import { follow } from "../follow.js";
import { TrainProgress } from "../train-progress.js";

/** `stillframe train`. */
export const trainCommand = command({
  options: trainOptions,
  examples: [
    "stillframe train --pretrained_model_name_or_path=stabilityai/stable-diffusion-xl-base-1.0 " +
      "--train_data_dir=pictures --rank=16 --train_batch_size=1 --learning_rate=1e-5 --mixed_precision=bf16 --seed=7 " +
      "--output_dir=runs/first",
    "stillframe train --config run.yaml --resume_from_checkpoint=latest",
  ],
  async run(options, { terminal, library, argv }) {
    const train = await library.train();
    const view = new TrainProgress(terminal, {
      generateCommand: generateCommand(options),
      resumeCommand: resumeCommand(argv, options.overwrite_output_dir),
    });
    return follow<TrainEvent>(view, {
      start: (signal) => train(options, { signal }),
      stopping: "Stopping: this step is finished and a checkpoint written. Ctrl-C again stops at once.",
      endings: { run_interrupted: "interrupted", run_failed: "failed" },
    });
  },
});

/** The command that makes pictures with the result of a run with `options`. */
function generateCommand(options: TrainOptions): string {
  const { method, pretrained_model_name_or_path: base, output_dir, validation_prompt, caption_prefix } = options;
  const model =
    method === "full"
      ? [`--pretrained_model_name_or_path=${output_dir}`]
      : [`--pretrained_model_name_or_path=${base}`, `--lora=${output_dir}`, "--compare"];
  const vae = options.pretrained_vae_model_name_or_path;
  const prompt = validation_prompt ?? `${caption_prefix}…`;
  return quoted([
    "npx",
    "stillframe",
    "generate",
    ...model,
    ...(vae === null ? [] : [`--pretrained_vae_model_name_or_path=${vae}`]),
    ...(options.variant === null ? [] : [`--variant=${options.variant}`]),
    `--prompt=${prompt}`,
  ]);
}
