import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { loadWeights, noGrad, readSafetensors, type Tensor, writeSafetensors } from "@stillframe/torch";
import { clipScore, clipTextEmbeddings, loadClip, loadClipVision } from "./clip-score.js";
import { clipVisionConfig } from "./clip-vision.js";
import { Dinov2, dinov2Config, loadDinov2 } from "./dinov2.js";
import { type FormulaTensor, formulaWeights } from "./formula-weights.js";
import { Lpips, type LpipsNetwork, loadLpips, lpipsDiversity } from "./lpips.js";
import { fixture, largestDifference } from "./testing/fixture.js";

const scratch = mkdtempSync(join(tmpdir(), "networks-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const expectedOf = (name: string) => readSafetensors(fixture(`networks/${name}/expected.safetensors`)).tensors;

/** A copy of a network's folder with other weights. */
function withWeights(name: string, change: (weights: Map<string, Tensor>) => void): string {
  const folder = join(scratch, `${name}-${Math.random()}`);
  cpSync(fixture(`networks/${name}`), folder, { recursive: true });
  const { tensors } = readSafetensors(join(folder, "model.safetensors"));
  change(tensors);
  writeSafetensors(join(folder, "changed.safetensors"), tensors);
  cpSync(join(folder, "changed.safetensors"), join(folder, "model.safetensors"));
  return folder;
}

describe("CLIP against transformers", () => {
  for (const name of ["clip", "clip-gelu"])
    it(`gives the same embeddings of pictures and texts (${name})`, () => {
      // The second has no tokenizer; its texts come as ids.
      const expected = expectedOf(name);
      const folder = withWeights(name, () => {});
      for (const file of ["vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"])
        cpSync(fixture(`networks/clip/${file}`), join(folder, file));
      const clip = loadClip(folder);
      noGrad(() => {
        assert.ok(
          largestDifference(clip.vision.forward(expected.get("pixels")!), expected.get("image_embeds")!) < 1e-5,
        );
        assert.ok(
          largestDifference(clip.text.forward(expected.get("ids")!).textEmbeds!, expected.get("text_embeds")!) < 1e-5,
        );
      });
      clip.dispose();
    });

  it("embeds texts through the tokenizer in any batch size, and counts those that are cut", () => {
    const clip = loadClip(fixture("networks/clip"));
    const texts = ["a cat", "the quick brown fox", `${"word ".repeat(200)}`];
    const whole = clipTextEmbeddings(clip, texts);
    const single = clipTextEmbeddings(clip, texts, { batchSize: 1 });
    assert.deepEqual(whole.embeddings.shape, [3, 12]);
    assert.equal(whole.cut, 1);
    assert.ok(largestDifference(whole.embeddings, single.embeddings) < 1e-5);
    assert.throws(() => clipTextEmbeddings(clip, []), /expected at least one text for texts but received "none"/);
  });

  it("loads the image encoder alone, strictly", () => {
    const expected = expectedOf("clip");
    const vision = loadClipVision(fixture("networks/clip"));
    assert.ok(
      largestDifference(
        noGrad(() => vision.forward(expected.get("pixels")!)),
        expected.get("image_embeds")!,
      ) < 1e-5,
    );
    assert.throws(
      () => vision.forward(expected.get("pixels")!.narrow(2, 0, 14)),
      /expected shape \[b, 3, 28, 28\] but received \[3, 3, 14, 28\]/,
    );
    const broken = withWeights("clip", (weights) => weights.delete("vision_model.post_layernorm.bias"));
    assert.throws(() => loadClipVision(broken), /missing \(1\): vision_model\.post_layernorm\.bias/);
    const other = withWeights("clip", (weights) => weights.set("unet.weight", weights.get("logit_scale")!));
    assert.throws(() => loadClipVision(other), /expected the weights of a CLIP but found unet\.weight/);
  });

  it("refuses a configuration that it does not know", () => {
    assert.throws(
      () => clipVisionConfig({ vision_config: { hidden_act: "relu" } }, "config.json"),
      /config\.json: it is no configuration of CLIP: [\s\S]*hidden_act/,
    );
    assert.equal(clipVisionConfig({ projection_dim: 768, vision_config: { patch_size: 14 } }).patchSize, 14);
  });

  it("scores a picture by the cosine with its own text", () => {
    const { tensors } = readSafetensors(fixture("networks/clip/expected.safetensors"));
    const images = tensors.get("image_embeds")!;
    const same = clipScore(images, images.mul(3));
    assert.ok(Math.abs(same.mean - 100) < 1e-4);
    assert.deepEqual(clipScore(images, images.mul(-1)).values, new Float64Array(3));
    assert.throws(
      () => clipScore(images, images.narrow(0, 0, 2)),
      /expected one text for each of 3 pictures for texts but received 2/,
    );
  });
});

describe("DINOv2", () => {
  for (const name of ["dinov2", "dinov2-swiglu"])
    it(`gives the features of transformers at every size (${name})`, () => {
      const model = loadDinov2(fixture(`networks/${name}`), { positionOffset: 0 });
      const expected = expectedOf(name);
      for (const size of ["trained", "smaller", "oblong"]) {
        const features = noGrad(() => model.forward(expected.get(`${size}.pixels`)!));
        assert.ok(largestDifference(features, expected.get(`${size}.features`)!) < 2e-5, size);
      }
    });

  it("gives the features of the authors' code from the authors' names, with their way to interpolate positions", () => {
    const expected = expectedOf("dinov2-facebook");
    const difference = (size: string, positionOffset?: number) => {
      const model = loadDinov2(
        fixture("networks/dinov2-facebook"),
        positionOffset === undefined ? {} : { positionOffset },
      );
      return largestDifference(
        noGrad(() => model.forward(expected.get(`${size}.pixels`)!)),
        expected.get(`${size}.features`)!,
      );
    };
    assert.ok(difference("trained") < 2e-5);
    assert.ok(difference("smaller") < 2e-5);
    // Without the offset the positions lie elsewhere: the test above would see it.
    assert.ok(difference("smaller", 0) > 1e-3);
  });

  it("is strict about weights, configuration and sizes", () => {
    const broken = withWeights("dinov2", (weights) => {
      weights.set("head.weight", weights.get("layernorm.weight")!);
      weights.delete("encoder.layer.1.layer_scale2.lambda1");
    });
    assert.throws(
      () => loadDinov2(broken),
      /missing \(1\): encoder\.layer\.1\.layer_scale2\.lambda1\s+unexpected \(1\): head\.weight/,
    );
    const config = JSON.parse(readFileSync(fixture("networks/dinov2/config.json"), "utf8")) as object;
    assert.throws(
      () => dinov2Config({ ...config, model_type: "dinov2_with_registers" }),
      /it is no configuration of DINOv2: [\s\S]*model_type/,
    );
    const model = loadDinov2(fixture("networks/dinov2"));
    const { tensors } = readSafetensors(fixture("networks/dinov2/expected.safetensors"));
    assert.throws(
      () => model.forward(tensors.get("trained.pixels")!.narrow(2, 0, 30)),
      /expected sides that are multiples of 7 for x but received "30 × 35"/,
    );
  });

  it("has the size of the published networks", () => {
    const published = {
      hiddenSize: 1024,
      layers: 24,
      heads: 16,
      mlpRatio: 4,
      imageSize: 518,
      patchSize: 14,
      layerNormEps: 1e-6,
      swiglu: false,
    };
    assert.equal(new Dinov2(published).parameterCount, 304_368_640);
    assert.equal(
      new Dinov2({ ...published, hiddenSize: 1536, layers: 40, heads: 24, swiglu: true }).parameterCount,
      1_136_480_768,
    );
  });
});

describe("LPIPS against its authors' code", () => {
  const { seed, tensors: lists } = JSON.parse(readFileSync(fixture("networks/lpips.json"), "utf8")) as {
    seed: number;
    tensors: Record<LpipsNetwork, FormulaTensor[]>;
  };
  const { tensors } = readSafetensors(fixture("networks/lpips.safetensors"));
  const spread = (name: string, shape: readonly number[]) => {
    if (name.startsWith("lin")) return { offset: 0.5, scale: 0.5 };
    return { offset: 0, scale: name.endsWith("bias") ? 0.1 : Math.sqrt(6 / shape.slice(1).reduce((n, d) => n * d, 1)) };
  };
  const made = (network: LpipsNetwork): Lpips => {
    const model = new Lpips(network);
    loadWeights(model, formulaWeights(lists[network], { seed, spread }));
    return model;
  };
  /** Published files: the classifier with its head, and the weights of the taps. */
  const files = (weights: ReadonlyMap<string, Tensor>) => {
    const [backbone, linear] = [join(scratch, "alex.safetensors"), join(scratch, "alex-lin.safetensors")];
    const part = (pattern: RegExp) => [...weights].filter(([name]) => pattern.test(name));
    writeSafetensors(backbone, [...part(/^features/), ["classifier.6.bias", weights.get("features.0.bias")!]]);
    writeSafetensors(linear, part(/^lin/));
    return { backbone, linear };
  };
  const [x, y] = [tensors.get("x")!, tensors.get("y")!];

  for (const network of ["alex", "vgg"] as const)
    it(`gives the same distances (${network})`, () => {
      const model = made(network);
      const distance = noGrad(() => model.forward(x, y));
      assert.ok(largestDifference(distance, tensors.get(`${network}.distance`)!) < 1e-4);
      assert.deepEqual(noGrad(() => model.forward(x, x)).toArray(), [0, 0]);
      model.dispose();
    });

  it("averages over the pairs of each group", () => {
    const model = made("alex");
    const pair = noGrad(() => model.forward(x.narrow(0, 0, 1), x.narrow(0, 1, 1))).item();
    const { mean, values } = lpipsDiversity(model, [x, y]);
    assert.ok(Math.abs(values[0]! - pair) < 1e-5);
    assert.equal(mean, (values[0]! + values[1]!) / 2);
    assert.throws(
      () => lpipsDiversity(model, [x.narrow(0, 0, 1)]),
      /expected at least 2 pictures of a prompt for group but received 1/,
    );
    assert.throws(() => lpipsDiversity(model, []), /expected at least one group for groups but received "none"/);
  });

  it("loads the published files, strictly", () => {
    const weights = formulaWeights(lists.alex, { seed, spread });
    const model = loadLpips(files(weights), { network: "alex" });
    const distance = noGrad(() => model.forward(x, y));
    assert.ok(largestDifference(distance, tensors.get("alex.distance")!) < 1e-4);
    const incomplete = files(new Map([...weights].filter(([name]) => name !== "lin3.model.1.weight")));
    assert.throws(() => loadLpips(incomplete, { network: "alex" }), /missing \(1\): lin3\.model\.1\.weight/);
    const { backbone } = files(weights);
    const doubled = join(scratch, "doubled.safetensors");
    writeSafetensors(doubled, [["net.slice1.0.bias", weights.get("features.0.bias")!]]);
    assert.throws(
      () => loadLpips({ backbone, linear: doubled }, { network: "alex" }),
      /tensor net\.slice1\.0\.bias is in the other file too/,
    );
    assert.throws(() => new Lpips("squeeze" as "alex"), /expected one of alex, vgg for network but received "squeeze"/);
  });
});
