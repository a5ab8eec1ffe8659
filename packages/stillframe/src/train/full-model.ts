import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { readWeights, type Sdxl, weightFiles } from "@stillframe/diffusion";
import { type DType, isFloating, type Module, noGrad, scope, type Tensor, writeSafetensors } from "@stillframe/torch";
import { invalid } from "@stillframe/torch/errors";

/** Where each part of a pipeline is, and what its weights are called. */
const PARTS = [
  { folder: "unet", stem: "diffusion_pytorch_model", of: (m: Sdxl): Module => m.unet },
  { folder: "vae", stem: "diffusion_pytorch_model", of: (m: Sdxl): Module => m.vae },
  { folder: "text_encoder", stem: "model", of: (m: Sdxl): Module => m.textEncoders[0] },
  { folder: "text_encoder_2", stem: "model", of: (m: Sdxl): Module => m.textEncoders[1] },
] as const;

/** Folders of which every small file is copied as it is. */
const COPIED = ["tokenizer", "tokenizer_2", "scheduler"];

export interface FullModelOptions {
  /** the model's folder, which the configurations and tokenizers are copied from, and weights that are freed already */
  source: string;
  /** element type of the written weights; as they are unless said */
  dtype?: DType | undefined;
  /** part of the source's weight file names, for instance `fp16` */
  variant?: string | undefined;
  /** another VAE's folder, itself or with a `vae` folder in it, in place of the source's */
  vae?: string | undefined;
}

/** Weights of a part by checkpoint key; those that a run has freed are read again. */
function weightsOf(
  module: Module,
  { folder, stem, variant }: { folder: string; stem: string; variant: string | undefined },
): Map<string, Tensor> {
  const own = module.stateDict();
  const freed = [...own.values()].some((t) => t.disposed);
  return freed ? readWeights(weightFiles(folder, stem, variant)) : own;
}

function writePart(weights: ReadonlyMap<string, Tensor>, path: string, dtype: DType | undefined): void {
  noGrad(() =>
    scope(() => {
      const cast = [...weights].map(([key, t]): [string, Tensor] => {
        const wide = t.device === "cpu" ? t : t.to({ device: "cpu" });
        return [key, dtype === undefined || !isFloating(wide.dtype) ? wide : wide.to(dtype)];
      });
      writeSafetensors(path, cast, { metadata: { format: "pt" } });
    }),
  );
}

function copyFiles(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from))
    if (statSync(join(from, name)).isFile()) copyFileSync(join(from, name), join(to, name));
}

/**
 * Writes a whole model in the diffusers layout: what training by `method=full` leaves, and what every program that loads
 * SDXL pipelines takes. Weights have the plain file names, whatever variant the source was read with.
 *
 * @returns the weight files, relative to `folder`
 * @throws InvalidArgumentError when `folder` is the source itself: a model is never overwritten by what was made from it
 * @throws FileFormatError when the source lacks a file
 */
export function writeFullModel(
  model: Sdxl,
  folder: string,
  { source, dtype, variant, vae }: FullModelOptions,
): string[] {
  if (existsSync(folder) && statSync(folder).ino === statSync(source).ino)
    throw invalid("folder", "another folder than the source's", folder);
  mkdirSync(folder, { recursive: true });
  for (const name of COPIED) copyFiles(join(source, name), join(folder, name));
  for (const { folder: part, stem, of } of PARTS) {
    const other = part === "vae" ? vae : undefined;
    const inner =
      other === undefined
        ? join(source, part)
        : existsSync(join(other, "vae", "config.json"))
          ? join(other, "vae")
          : other;
    mkdirSync(join(folder, part), { recursive: true });
    copyFileSync(join(inner, "config.json"), join(folder, part, "config.json"));
    scope(() =>
      writePart(
        weightsOf(of(model), { folder: inner, stem, variant: other === undefined ? variant : undefined }),
        join(folder, part, `${stem}.safetensors`),
        dtype,
      ),
    );
  }
  // last, so that a folder that has it is whole
  copyFileSync(join(source, "model_index.json"), join(folder, "model_index.json"));
  return PARTS.map((p) => `${p.folder}/${p.stem}.safetensors`);
}
