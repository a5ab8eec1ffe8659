import { type EvaluateEvent, evaluateOptions } from "@stillframe/schema";
import { command } from "../command.js";
import { EvaluateProgress } from "../evaluate-progress.js";
import { follow } from "../follow.js";

/** `stillframe evaluate`. */
export const evaluateCommand = command({
  options: evaluateOptions,
  examples: [
    "stillframe evaluate --real=data/held-out --base=stabilityai/stable-diffusion-xl-base-1.0 --lora=runs/first " +
      '--style_words="Still from the Anime" --inception=weights/inception.safetensors --dinov2=facebook/dinov2-large ' +
      "--clip=openai/clip-vit-large-patch14 --training=data/train --num_images=2",
    "stillframe evaluate --real=data/held-out --base=stabilityai/stable-diffusion-xl-base-1.0 --lora=runs/first " +
      "--checkpoints --select=best --inception=weights/inception.safetensors",
    "stillframe evaluate --real=data/held-out --generated base=pictures/base --generated lora=pictures/lora " +
      "--inception=weights/inception.safetensors",
  ],
  async run(options, { terminal, library }) {
    const evaluate = await library.evaluate();
    return follow<EvaluateEvent>(new EvaluateProgress(terminal), {
      start: (signal) => evaluate(options, { signal }),
      stopping: "Stopping; pictures that are done are kept. Ctrl-C again stops at once.",
      endings: { evaluation_interrupted: "interrupted" },
    });
  },
});
