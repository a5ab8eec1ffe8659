import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ClipTextModel, clipTextConfig, type Sdxl, Unet, unetConfig, type Vae } from "@stillframe/diffusion";
import { Generator, Module, noGrad, scope, type Tensor, writeSafetensors } from "@stillframe/torch";
import { configurations } from "./architecture.js";
import { initializeResidual } from "./initialize.js";
import { learnTokens, tokenizerFiles } from "./learn-tokens.js";

/** Deviation of the first word vectors: large against the places', so that words count from the start. */
const WORD_DEVIATION = 0.1;

/** The parts that are trained together, as one module: `unet.…`, `text_encoder.…`, `text_encoder_2.…`. */
export class BaseParts extends Module {
  readonly unet: Unet;
  readonly textEncoder: ClipTextModel;
  readonly text_encoder_2: ClipTextModel;

  constructor({ unet, textEncoders }: Pick<Sdxl, "unet" | "textEncoders">) {
    super();
    this.unet = unet;
    this.textEncoder = textEncoders[0];
    this.text_encoder_2 = textEncoders[1];
  }
}

/** The first encoder gives its penultimate state alone, so that nothing behind it gets a gradient. */
export function isTrained(key: string, { layers }: { layers: number }): boolean {
  return (
    !key.startsWith(`text_encoder.text_model.encoder.layers.${layers - 1}.`) &&
    !key.startsWith("text_encoder.text_model.final_layer_norm.")
  );
}

function writeText(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

const half = (weights: ReadonlyMap<string, Tensor>): [string, Tensor][] =>
  [...weights].map(([key, t]) => [key, t.to("float16")]);

/**
 * Writes a model that knows nothing yet, in the diffusers layout: configurations, tokenizers learnt from the captions,
 * a trained autoencoder, and a UNet and text encoders drawn from the seed.
 */
export function writeFreshModel(
  folder: string,
  {
    captions,
    vae,
    scalingFactor,
    seed,
  }: { captions: readonly string[]; vae: Vae; scalingFactor: number; seed: number },
): void {
  const tokens = learnTokens(captions, { limit: 2000 });
  const files = configurations({ vocabSize: tokens.vocabulary.size, scalingFactor });
  for (const [path, json] of files) writeText(join(folder, path), `${JSON.stringify(json, null, 2)}\n`);
  for (const [name, pad] of [
    ["tokenizer", "<|endoftext|>"],
    ["tokenizer_2", "!"],
  ] as const)
    for (const [path, text] of tokenizerFiles(tokens, { pad })) writeText(join(folder, name, path), text);
  const encoder = (path: string, part: number): ClipTextModel => {
    const generator = new Generator(seed * 3 + part);
    const model = new ClipTextModel(clipTextConfig(files.get(`${path}/config.json`))).initialize(generator);
    noGrad(() => model.textModel.embeddings.tokenEmbedding.weight.mul_(WORD_DEVIATION / 0.02));
    return model;
  };
  const parts: [string, Module][] = [
    ["vae/diffusion_pytorch_model.safetensors", vae],
    ["text_encoder/model.safetensors", encoder("text_encoder", 1)],
    ["text_encoder_2/model.safetensors", encoder("text_encoder_2", 2)],
    [
      "unet/diffusion_pytorch_model.safetensors",
      initializeResidual(new Unet(unetConfig(files.get("unet/config.json"))), new Generator(seed * 3)),
    ],
  ];
  for (const [path, module] of parts)
    noGrad(() =>
      scope(() => writeSafetensors(join(folder, path), half(module.stateDict()), { metadata: { format: "pt" } })),
    );
}
