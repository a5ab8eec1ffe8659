import { cardOptions } from "./card-options.js";
import { doctorOptions } from "./doctor-options.js";
import { evaluateOptions } from "./evaluate-options.js";
import { generateOptions } from "./generate-options.js";
import { makeModelOptions } from "./make-model-options.js";
import type { AnyOptionSet } from "./options-markdown.js";
import { prepareOptions } from "./prepare-options.js";
import { publishOptions } from "./publish-options.js";
import { pullOptions } from "./pull-options.js";
import { reproduceOptions } from "./reproduce-options.js";
import { trainOptions } from "./train-options.js";

/** The options of every command, in the order of documents and help. A new command adds one line here. */
export const optionSets: readonly AnyOptionSet[] = [
  trainOptions,
  prepareOptions,
  generateOptions,
  evaluateOptions,
  cardOptions,
  publishOptions,
  pullOptions,
  reproduceOptions,
  makeModelOptions,
  doctorOptions,
];
