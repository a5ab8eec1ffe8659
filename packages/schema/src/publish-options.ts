import { z } from "zod";
import { field } from "./field.js";
import { option } from "./option.js";
import { OptionSet } from "./option-set.js";

const shape = {
  run: option(field.text, {
    group: "hub",
    metavar: "RUN",
    positional: true,
    effect: "files",
    help: "The folder of a finished training run.",
  }),
  hub_model_id: option(field.optionalText, {
    group: "hub",
    metavar: "REPO",
    effect: "files",
    unset: "as the run says, else the name of its folder",
    help: "Repository to publish to, as organisation/name; a name alone is one of the token's account. It is made when it is missing.",
  }),
  private: option(field.flag, {
    group: "hub",
    effect: "files",
    help: "Make the repository private, and refuse one that is public.",
  }),
  dry_run: option(field.flag, {
    group: "hub",
    effect: "files",
    help: "Check every file and show the list. Nothing is sent or written, and no token is needed.",
  }),
  card: option(z.boolean().default(true), {
    group: "hub",
    effect: "files",
    help: "Bring the model card up to date first.",
  }),
  message: option(field.optionalText, {
    group: "hub",
    metavar: "TEXT",
    effect: "files",
    unset: "the number of files",
    help: "Title of the commit.",
  }),
  hub_token: option(field.optionalText, {
    group: "hub",
    metavar: "TOKEN",
    effect: "files",
    secret: true,
    unset: "HF_TOKEN or the token file",
    help: "Token for the Hub. Others can see a command line: prefer the HF_TOKEN variable. It is never written anywhere.",
  }),
};

/** Every option of `stillframe publish`. */
export type PublishRunOptions = z.output<z.ZodObject<typeof shape>>;

/** The options of `stillframe publish`. */
export const publishOptions = new OptionSet({
  command: "publish",
  summary: "Publish a run's adapter with its card and pictures on the Hugging Face Hub",
  groups: [{ id: "hub", title: "Hugging Face Hub" }],
  shape,
});
