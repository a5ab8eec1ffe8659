import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonSchemas } from "./json-schema.js";

test("forms find type, range, default, help, group and effect of an option", () => {
  const schema = jsonSchemas()["train-options"] as {
    properties: { rank: Record<string, unknown> };
    additionalProperties: boolean;
  };
  const { maximum: _, ...rank } = schema.properties.rank;
  assert.deepEqual(rank, {
    default: 4,
    type: "integer",
    minimum: 1,
    group: "adapter",
    effect: "result",
    description: "Inner dimension of the LoRA matrices: what the adapter can hold. 4 to 64 is usual.",
  });
  assert.equal(schema.additionalProperties, false);
});

test("all schemas are plain JSON", () => {
  const schemas = jsonSchemas();
  assert.deepEqual(JSON.parse(JSON.stringify(schemas)), schemas);
  assert.deepEqual(Object.keys(schemas), [
    "train-options",
    "prepare-options",
    "generate-options",
    "train-event",
    "prepare-event",
    "prepare-report",
    "generate-event",
    "manifest",
  ]);
});
