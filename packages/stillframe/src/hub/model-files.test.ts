import assert from "node:assert/strict";
import { test } from "node:test";
import { modelFiles, modelRepoKind } from "./model-files.js";

const index = {
  _class_name: "StableDiffusionXLPipeline",
  unet: ["diffusers", "UNet2DConditionModel"],
  vae: ["diffusers", "AutoencoderKL"],
  tokenizer: ["transformers", "CLIPTokenizer"],
  scheduler: ["diffusers", "EulerDiscreteScheduler"],
  feature_extractor: [null, null],
  force_zeros_for_empty_prompt: true,
};

/** The shape of SDXL's repository: the same weights many times over. */
const sdxl = [
  ".gitattributes",
  "LICENSE.md",
  "README.md",
  "model_index.json",
  "sd_xl_base_1.0.safetensors",
  "scheduler/scheduler_config.json",
  "tokenizer/vocab.json",
  "tokenizer/merges.txt",
  "unet/config.json",
  "unet/diffusion_pytorch_model.bin",
  "unet/diffusion_pytorch_model.safetensors",
  "unet/diffusion_pytorch_model.fp16.safetensors",
  "unet/diffusion_flax_model.msgpack",
  "unet/model.onnx",
  "unet/openvino_model.xml",
  "vae/config.json",
  "vae/diffusion_pytorch_model.safetensors",
  "vae_decoder/config.json",
  "vae_decoder/model.onnx",
  "01.png",
];

async function select(paths: readonly string[], options: Parameters<typeof modelFiles>[0] = {}): Promise<string[]> {
  const files = paths.map((path) => ({ path, size: 1, gitOid: "0".repeat(40), sha256: undefined }));
  return [...(await modelFiles(options)(files, async () => JSON.stringify(index)))].sort();
}

test("a pipeline: its named components in safetensors, and nothing twice", async () => {
  assert.deepEqual(await select(sdxl), [
    "LICENSE.md",
    "README.md",
    "model_index.json",
    "scheduler/scheduler_config.json",
    "tokenizer/merges.txt",
    "tokenizer/vocab.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
  ]);
});

test("a variant where there is one, plain weights where there is none", async () => {
  const chosen = await select(sdxl, { variant: "fp16" });
  assert.ok(chosen.includes("unet/diffusion_pytorch_model.fp16.safetensors"));
  assert.ok(!chosen.includes("unet/diffusion_pytorch_model.safetensors"));
  assert.ok(chosen.includes("vae/diffusion_pytorch_model.safetensors"));
  await assert.rejects(select(sdxl, { variant: "bf16" }), {
    message: 'expected one of the variants that exist (fp16) for variant but received "bf16"',
  });
});

test("some components alone", async () => {
  assert.deepEqual(await select(sdxl, { components: ["vae"] }), [
    "LICENSE.md",
    "README.md",
    "model_index.json",
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
  ]);
  await assert.rejects(
    select(sdxl, { components: ["vea"] }),
    /names \(unet, vae, tokenizer, scheduler\) but received vea/,
  );
});

test("sharded weights come with their index, in each spelling of a variant", async () => {
  const base = ["model_index.json", "vae/config.json", "vae/diffusion_pytorch_model.safetensors", "unet/config.json"];
  const unet = (names: string[]) => names.map((name) => `unet/diffusion_pytorch_model${name}`);
  const plain = unet(["-00001-of-00002.safetensors", "-00002-of-00002.safetensors", ".safetensors.index.json"]);
  const half = unet([
    ".fp16-00001-of-00002.safetensors",
    ".fp16-00002-of-00002.safetensors",
    ".safetensors.index.fp16.json",
  ]);
  const late = unet(["-00001-of-00001.fp16.safetensors", ".fp16.safetensors.index.json"]);
  const weights = (chosen: string[]) => chosen.filter((path) => path.startsWith("unet/diff"));
  assert.deepEqual(weights(await select([...base, ...plain, ...half])), plain.sort());
  assert.deepEqual(weights(await select([...base, ...plain, ...half], { variant: "fp16" })), half.sort());
  assert.deepEqual(weights(await select([...base, ...plain, ...late], { variant: "fp16" })), late.sort());
  await assert.rejects(
    select([...base, plain[0]!, plain[2]!]),
    /expected all weights in unet\/ but shards 2 of 2 are missing/,
  );
  await assert.rejects(select([...base, plain[0]!, plain[1]!]), /but the index of the shards is missing/);
});

test("pickles alone are an error that says so", async () => {
  const paths = ["model_index.json", "unet/config.json", "unet/diffusion_pytorch_model.bin"];
  await assert.rejects(select(paths), {
    message:
      "expected safetensors weights in unet/ but received diffusion_pytorch_model.bin; pickles are not loaded: convert them first",
  });
});

test("one component, such as a VAE", async () => {
  const vae = [
    "README.md",
    "config.json",
    "diffusion_pytorch_model.safetensors",
    "sdxl_vae.safetensors",
    "sdxl.vae.bin",
  ];
  assert.equal(modelRepoKind(vae), "component");
  assert.deepEqual(await select(vae), ["README.md", "config.json", "diffusion_pytorch_model.safetensors"]);
});

test("an adapter: its weights, card and what was measured", async () => {
  const paths = [
    "README.md",
    "pytorch_lora_weights.safetensors",
    "style_kohya.safetensors",
    "evaluation.json",
    "samples/1.png",
  ];
  assert.equal(modelRepoKind(paths), "adapter");
  assert.deepEqual(await select(paths), [
    "README.md",
    "evaluation.json",
    "pytorch_lora_weights.safetensors",
    "style_kohya.safetensors",
  ]);
});

test("anything else is an error that says what was expected", async () => {
  await assert.rejects(
    select(["a.txt"]),
    /expected model_index\.json, config\.json with .* for the files of a model but received a\.txt/,
  );
});
