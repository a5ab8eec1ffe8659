import { type GenerateEvent, generateOptions } from "@stillframe/schema";
import { command } from "../command.js";
import { follow } from "../follow.js";
import { GenerateProgress } from "../generate-progress.js";

/** `stillframe generate`. */
export const generateCommand = command({
  options: generateOptions,
  examples: [
    "stillframe generate --pretrained_model_name_or_path=stabilityai/stable-diffusion-xl-base-1.0 --lora=runs/first " +
      '--prompt="Still from the Anime, a boy in a blue jacket" --compare --num_images=4 --seed=7',
  ],
  async run(options, { terminal, library }) {
    const generate = await library.generate();
    return follow<GenerateEvent>(new GenerateProgress(terminal), {
      start: (signal) => generate(options, { signal }),
      stopping: "Stopping after this step. Ctrl-C again stops at once.",
      endings: { generation_interrupted: "interrupted" },
    });
  },
});
