import { type PrepareEvent, prepareOptions } from "@stillframe/schema";
import { command } from "../command.js";
import { follow } from "../follow.js";
import { PrepareProgress } from "../prepare-progress.js";

/** `stillframe prepare`. */
export const prepareCommand = command({
  options: prepareOptions,
  examples: [
    "stillframe prepare --train_data_dir=pictures --resolution=1024 --aspect_ratio_buckets",
    "stillframe prepare --dataset_name=jugg1024/conan-gpt4-captions " +
      "--pretrained_model_name_or_path=stabilityai/stable-diffusion-xl-base-1.0",
  ],
  async run(options, { terminal, library }) {
    const prepare = await library.prepare();
    return follow<PrepareEvent>(new PrepareProgress(terminal), {
      start: (signal) => prepare(options, { signal }),
      stopping: "Stopping after this picture. Ctrl-C again stops at once.",
      endings: { prepare_interrupted: "interrupted" },
    });
  },
});
