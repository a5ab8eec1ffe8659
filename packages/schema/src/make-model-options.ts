import { z } from "zod";
import { field } from "./field.js";
import { option } from "./option.js";
import { OptionSet } from "./option-set.js";

const shape = {
  output_dir: option(field.text, {
    group: "output",
    metavar: "DIR",
    effect: "files",
    help: "A new or empty folder for the model, in the diffusers layout.",
  }),
  size: option(z.enum(["tiny", "small"]).default("tiny"), {
    group: "output",
    effect: "result",
    help: "How large: tiny trains a step in milliseconds, small is large enough for speed to mean something.",
  }),
  seed: option(z.int().min(0).default(0), {
    group: "output",
    effect: "result",
    help: "Where the random weights come from.",
  }),
};

/** Every option of `stillframe make-model`. */
export type MakeModelOptions = z.output<z.ZodObject<typeof shape>>;

/** The options of `stillframe make-model`. */
export const makeModelOptions = new OptionSet({
  command: "make-model",
  summary: "Make a small SDXL with random weights, to try commands on",
  groups: [{ id: "output", title: "Output" }],
  shape,
});
