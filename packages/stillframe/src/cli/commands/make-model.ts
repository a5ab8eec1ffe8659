import { makeModelOptions } from "@stillframe/schema";
import { command, EXIT } from "../command.js";

/** `stillframe make-model`. */
export const makeModelCommand = command({
  options: makeModelOptions,
  examples: ["stillframe make-model --output_dir=models/tiny --seed=1"],
  async run({ output_dir, size, seed }, { terminal, library }) {
    const makeRandomModel = await library.makeRandomModel();
    makeRandomModel(output_dir, { seed, size });
    terminal.out.write(`${output_dir}: a ${size} SDXL with random weights. It draws noise until it is trained.\n`);
    return EXIT.done;
  },
});
