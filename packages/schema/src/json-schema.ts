import { z } from "zod";
import { GenerateEventSchema, TrainEventSchema } from "./events.js";
import { generateOptions } from "./generate-options.js";
import { ManifestSchema } from "./manifest.js";
import { PrepareEventSchema } from "./prepare-events.js";
import { prepareOptions } from "./prepare-options.js";
import { PrepareReportSchema } from "./prepare-report.js";
import { trainOptions } from "./train-options.js";

/** JSON Schemas (draft 2020-12) by name, for programs that do not use zod: forms, editors, other languages. */
export function jsonSchemas(): Readonly<Record<string, Record<string, unknown>>> {
  return {
    "train-options": trainOptions.jsonSchema(),
    "prepare-options": prepareOptions.jsonSchema(),
    "generate-options": generateOptions.jsonSchema(),
    "train-event": { ...z.toJSONSchema(TrainEventSchema) },
    "prepare-event": { ...z.toJSONSchema(PrepareEventSchema) },
    "prepare-report": { ...z.toJSONSchema(PrepareReportSchema) },
    "generate-event": { ...z.toJSONSchema(GenerateEventSchema) },
    manifest: { ...z.toJSONSchema(ManifestSchema) },
  };
}
