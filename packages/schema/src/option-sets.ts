import { doctorOptions } from "./doctor-options.js";
import { generateOptions } from "./generate-options.js";
import type { AnyOptionSet } from "./options-markdown.js";
import { trainOptions } from "./train-options.js";

/** The options of every command, in the order of documents and help. A new command adds one line here. */
export const optionSets: readonly AnyOptionSet[] = [trainOptions, generateOptions, doctorOptions];
