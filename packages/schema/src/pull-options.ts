import { z } from "zod";
import { field } from "./field.js";
import { option } from "./option.js";
import { OptionSet } from "./option-set.js";

const shape = {
  repo: option(field.text, {
    group: "hub",
    metavar: "REPO",
    positional: true,
    effect: "files",
    help: "An adapter or a base model on the Hub, as organisation/name.",
  }),
  revision: option(field.optionalText, {
    group: "hub",
    metavar: "REV",
    effect: "result",
    unset: "main",
    help: "Branch, tag or commit.",
  }),
  variant: option(field.optionalText, {
    group: "hub",
    metavar: "NAME",
    effect: "result",
    unset: "the plain files",
    help: "Which weight files to fetch where a model has several, for instance fp16.",
  }),
  verify: option(z.boolean().default(true), {
    group: "hub",
    effect: "speed",
    help: "Read what the cache holds already and check its hashes. New files are checked in any case.",
  }),
  hub_token: option(field.optionalText, {
    group: "hub",
    metavar: "TOKEN",
    effect: "files",
    secret: true,
    unset: "HF_TOKEN or the token file",
    help: "Token for the Hub, for private and gated repositories. Prefer the HF_TOKEN variable.",
  }),
};

/** Every option of `stillframe pull`. */
export type PullCommandOptions = z.output<z.ZodObject<typeof shape>>;

/** The options of `stillframe pull`. */
export const pullOptions = new OptionSet({
  command: "pull",
  summary: "Fetch an adapter or a base model into the Hugging Face cache",
  groups: [{ id: "hub", title: "Hugging Face Hub" }],
  shape,
});
