import assert from "node:assert/strict";
import { test } from "node:test";
import { ClipTextModel, clipTextConfig } from "@stillframe/diffusion";
import { Generator, noGrad, randn, scope, tensor } from "@stillframe/torch";
import { configurations } from "./architecture.js";
import { AttentionLimit, scoreLeads } from "./attention-limit.js";

test("the lead of a head's scores is their largest over their mean, for the mean query", () => {
  scope(() => {
    // one head, two queries, three keys of one feature: scores 1, 2, 6 and 2, 4, 12
    const q = tensor([[[1], [2]]]);
    const k = tensor([[[1], [2], [6]]]);
    assert.deepEqual(scoreLeads(q, k, 1), [(3 + 6) / 2]);
    const two = scoreLeads(randn([2, 5, 8], { generator: new Generator(1) }), randn([2, 7, 8]), 2);
    assert.equal(two.length, 2);
  });
});

test("heads above the limit come down to it, others keep their weights", () => {
  const config = configurations({ vocabSize: 40, scalingFactor: 1 }).get("text_encoder/config.json");
  const model = new ClipTextModel(clipTextConfig(config)).initialize(new Generator(1));
  const attention = model.textModel.encoder.layers[0]?.selfAttn;
  assert.ok(attention);
  const query = attention.qProj as unknown as { weight: ReturnType<typeof randn> };
  const width = query.weight.size(0) / attention.heads;
  noGrad(() => scope(() => query.weight.narrow(0, 0, width).mul_(2000)));
  const ids = tensor([[38, 3, 9, 17, 21, 39, 39, 39]], { dtype: "int64" });
  const limit = new AttentionLimit(model, 5);
  const pass = () => limit.watch(() => noGrad(() => scope(() => void model.forward(ids))));
  const before = query.weight.data();
  pass();
  const first = limit.apply();
  assert.ok(first > 5, `the head leads by ${first}`);
  const after = query.weight.data();
  const rest = width * query.weight.size(1);
  assert.deepEqual(after.slice(rest), before.slice(rest));
  assert.notDeepEqual(after.slice(0, rest), before.slice(0, rest));
  pass();
  const second = limit.apply();
  assert.ok(Math.abs(second - 5) < 0.01, `then by ${second}`);
  model.dispose();
});
