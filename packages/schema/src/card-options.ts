import { z } from "zod";
import { field } from "./field.js";
import { option } from "./option.js";
import { OptionSet } from "./option-set.js";

const shape = {
  run: option(field.text, {
    group: "card",
    metavar: "RUN",
    positional: true,
    effect: "files",
    help: "The folder of a training run.",
  }),
  hub_model_id: option(field.optionalText, {
    group: "card",
    metavar: "REPO",
    effect: "files",
    unset: "as the card or the run says, else the run's folder",
    help: "The repository, as organisation/name, that the card's examples load the adapter from.",
  }),
  watts: option(z.number().positive().nullable().default(null), {
    group: "card",
    metavar: "W",
    effect: "files",
    unset: "the GPU's published board power where it is known, else no estimate",
    help: "Power that the machine drew during training, for the estimate of energy.",
  }),
  regenerate: option(field.flag, {
    group: "card",
    effect: "files",
    help: "Write the generated parts anew even where they were edited by hand. Text outside of them stays in any case.",
  }),
};

/** Every option of `stillframe card`. */
export type CardOptions = z.output<z.ZodObject<typeof shape>>;

/** The options of `stillframe card`. */
export const cardOptions = new OptionSet({
  command: "card",
  summary: "Write the model card of a run from its manifest and its evaluation",
  groups: [{ id: "card", title: "Card" }],
  shape,
});
