export { type CardOptions, cardOptions } from "./card-options.js";
export { type DoctorOptions, doctorOptions } from "./doctor-options.js";
export { type EvaluateEvent, type EvaluateEventOf, EvaluateEventSchema } from "./evaluate-events.js";
export {
  type EvaluateOptions,
  type EvaluateOptionsInput,
  EvaluateOptionsSchema,
  evaluateOptions,
  parseEvaluateOptions,
} from "./evaluate-options.js";
export { formatEventLine, parseEventLine, type TimedEvent, withoutMeasurements } from "./event-line.js";
export {
  type GenerateEvent,
  type GenerateEventOf,
  GenerateEventSchema,
  type ResultFile,
  ResultFileSchema,
  type Skipped,
  SkippedSchema,
  type TrainEvent,
  type TrainEventOf,
  TrainEventSchema,
} from "./events.js";
export {
  type GenerateOptions,
  type GenerateOptionsInput,
  GenerateOptionsSchema,
  generateOptions,
  parseGenerateOptions,
  SCHEDULERS,
} from "./generate-options.js";
export { jsonSchemas } from "./json-schema.js";
export { type MakeModelOptions, makeModelOptions } from "./make-model-options.js";
export { MANIFEST_VERSION, type Manifest, ManifestSchema, parseManifest } from "./manifest.js";
export { nearestName } from "./nearest-name.js";
export type { OptionEffect, OptionMeta } from "./option.js";
export {
  type OptionGroup,
  type OptionRule,
  OptionSet,
  type OptionShape,
  type OptionsOf,
  rule,
  unknownOption,
} from "./option-set.js";
export { optionSets } from "./option-sets.js";
export { EFFECTS, type OptionSpec, type OptionValue } from "./option-spec.js";
export { expectation, formatOptionValue, readOptionText } from "./option-value.js";
export { type OptionProblem, OptionsError } from "./options-error.js";
export { type AnyOptionSet, optionsMarkdown } from "./options-markdown.js";
export { type PrepareEvent, type PrepareEventOf, PrepareEventSchema } from "./prepare-events.js";
export {
  type PrepareOptions,
  type PrepareOptionsInput,
  PrepareOptionsSchema,
  parsePrepareOptions,
  prepareOptions,
} from "./prepare-options.js";
export { PREPARE_REPORT_VERSION, type PrepareReport, PrepareReportSchema } from "./prepare-report.js";
export { type PublishRunOptions, publishOptions } from "./publish-options.js";
export { type PullCommandOptions, pullOptions } from "./pull-options.js";
export { type ReproduceOptions, type ReproduceOptionsInput, reproduceOptions } from "./reproduce-options.js";
export {
  parseTrainOptions,
  type TrainOptions,
  type TrainOptionsInput,
  TrainOptionsSchema,
  trainOptions,
} from "./train-options.js";
