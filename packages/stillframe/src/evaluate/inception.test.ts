import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import {
  liveTensors,
  loadWeights,
  noGrad,
  readSafetensors,
  scope,
  stack,
  type Tensor,
  tensor,
  writeSafetensors,
} from "@stillframe/torch";
import type { Picture } from "../data/index.js";
import { type FormulaTensor, formulaWeights } from "./formula-weights.js";
import { InceptionV3, inceptionExtractor, loadInception } from "./inception.js";
import { checkFid } from "./parity-fid.js";
import { fixture, largestDifference } from "./testing/fixture.js";

const scratch = mkdtempSync(join(tmpdir(), "inception-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const { tensors: list } = JSON.parse(readFileSync(fixture("fid/fid_inception_manifest.json"), "utf8")) as {
  tensors: FormulaTensor[];
};
const weights = formulaWeights(list, { seed: 1 });
const { tensors: stored } = readSafetensors(fixture("fid/inception_features.safetensors"));

const pictureOf = (i: number): Picture => {
  const image = stored.get(`image${i}`)!;
  const [height, width] = image.shape as [number, number];
  return { width, height, channels: 3, data: image.data() as Uint8Array };
};

/** A file of the weights, with the counters that published files have beside them. */
function fileOf(name: string, change: (entries: Map<string, Tensor>) => void = () => {}): string {
  const entries = new Map(weights);
  for (const { name: counter, index } of list)
    if (index === null) entries.set(counter, tensor(BigInt64Array.of(7n), { shape: [] }));
  change(entries);
  const path = join(scratch, name);
  writeSafetensors(path, entries);
  return path;
}

describe("InceptionV3", () => {
  it("gives the reference's numbers for every quantity of the vectors", () => {
    const rows = checkFid(fixture(""));
    assert.deepEqual(
      rows.filter((row) => row.status !== "pass"),
      [],
    );
    assert.ok(rows.length > 90, String(rows.length));
  });

  it("gives a picture the same features in any batch and order", () => {
    const model = new InceptionV3();
    loadWeights(model, formulaWeights(list, { seed: 1 }));
    const extractor = inceptionExtractor(model, { resize: "pytorch" });
    const [a, b] = [extractor.prepare(pictureOf(0)), extractor.prepare(pictureOf(3))];
    const before = liveTensors();
    const together = scope(() => noGrad(() => extractor.features(stack([b, a]))));
    assert.equal(liveTensors(), before + 1);
    for (const [row, picture] of [3, 0].entries())
      assert.ok(largestDifference(together.select(0, row), stored.get("features")!.select(0, picture)) < 2e-4);
    const low = inceptionExtractor(model, { resize: "pytorch", dimension: 64 });
    assert.deepEqual([low.name, low.dimension], ["inception-v3 64 (pytorch)", 64]);
    assert.ok(
      largestDifference(noGrad(() => low.features(a.unsqueeze(0))).squeeze(0), stored.get("block0_channel_mean0")!) <
        2e-4,
    );
    assert.throws(
      () => model.features(a.unsqueeze(0).narrow(2, 0, 64)),
      /expected shape \[b, 3, 299, 299\] but received \[1, 3, 64, 299\]/,
    );
    assert.throws(
      () => inceptionExtractor(model, { resize: "clean", dimension: 100 as 64 }),
      /expected one of 64, 192, 768, 2048 for dimension but received 100/,
    );
    model.dispose();
  });

  it("loads the published layout, with the training counters or without, and nothing else", () => {
    const model = loadInception(fileOf("whole.safetensors"));
    assert.equal(model.parameterCount, 23_885_392);
    assert.ok(
      largestDifference(model.mixed_7c.branch_pool.bn.bias, weights.get("Mixed_7c.branch_pool.bn.bias")!) === 0,
    );
    model.dispose();
    const small = (name: string, change: (entries: Map<string, Tensor>) => void) =>
      fileOf(name, (entries) => {
        for (const { name: counter, index } of list) if (index === null) entries.delete(counter);
        entries.set("fc.weight", tensor([1]));
        change(entries);
      });
    const broken = small("broken.safetensors", (entries) => {
      entries.delete("Conv2d_1a_3x3.bn.running_var");
      entries.set("AuxLogits.fc.bias", tensor([1]));
      entries.set("fc.bn.num_batches_tracked", tensor([1]));
    });
    assert.throws(
      () => loadInception(broken),
      /missing \(1\): Conv2d_1a_3x3\.bn\.running_var\s+unexpected \(2\): AuxLogits\.fc\.bias, fc\.bn\.num_batches_tracked\s+wrong shape \(1\): fc\.weight \(expected \[1008, 2048\] but received \[1\]\)/,
    );
  });
});
