import assert from "node:assert/strict";
import { test } from "node:test";
import { frontMatterProblems } from "./hub-rules.js";

const result = {
  task: { type: "text-to-image" },
  dataset: { type: "org/name", name: "A name" },
  metrics: [{ type: "fid", value: 1 }],
};
const index = (change: object) => ({ "model-index": [{ name: "x", results: [{ ...result, ...change }] }] });

test("what the Hub accepts", () => {
  for (const card of [
    {},
    { license: "openrail++", base_model: "org/base", base_model_relation: "adapter" },
    { license: "other", license_name: "my-licence", license_link: "LICENSE" },
    { license: ["mit", "apache-2.0"], base_model: ["a/b", "c"], datasets: "imdb", unknown_key: [1] },
    {
      instance_prompt: null,
      widget: [
        { text: "a", output: { url: "images/a.png" } },
        { text: "b", output: { url: "https://x.y/a.png" } },
      ],
    },
    index({}),
  ])
    assert.deepEqual(frontMatterProblems(card), [], JSON.stringify(card));
});

test("what the Hub refuses is named by its key", () => {
  const cases: [object, RegExp][] = [
    [{ license: "openrail-plus-plus" }, /^license: /],
    [{ license: "other" }, /^license_name: a licence that the Hub does not know needs a name/],
    [{ license: "mit", license_name: "x" }, /^license_name: belongs to license: other alone/],
    [{ license: "other", license_name: "x", license_link: "docs/LICENSE.pdf" }, /^license_link: /],
    [{ base_model: "/srv/models/base" }, /^base_model: /],
    [{ base_model_relation: "adapter" }, /^base_model_relation: needs base_model/],
    [{ base_model: "a/b", base_model_relation: "lora" }, /^base_model_relation: /],
    [{ datasets: [null] }, /^datasets/],
    [{ datasets: ["a folder of pictures"] }, /^datasets/],
    [{ tags: ["lora", "lora"] }, /^tags: expected every tag once/],
    [{ tags: "lora" }, /^tags: /],
    [{ pipeline_tag: "Text to Image" }, /^pipeline_tag: /],
    [{ widget: [{ text: "a", output: { url: "/srv/a.png" } }] }, /^widget/],
    [{ widget: [{ text: "a", output: { url: "a/../../b.png" } }] }, /^widget/],
    [index({ dataset: { type: "my pictures", name: "x" } }), /^model-index.0.results.0.dataset.type: /],
    [index({ dataset: { type: "x" } }), /^model-index.0.results.0.dataset.name: /],
    [index({ metrics: [{ type: "fid" }] }), /^model-index.0.results.0.metrics.0.value: /],
    [index({ metrics: [] }), /^model-index.0.results.0.metrics: /],
  ];
  for (const [card, problem] of cases)
    assert.match(frontMatterProblems(card).join("\n"), problem, JSON.stringify(card));
});
