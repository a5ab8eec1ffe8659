import { copyFileSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { loraParts, type Sdxl } from "@stillframe/diffusion";
import { type Module, noGrad, scope, type Tensor, writeSafetensors } from "@stillframe/torch";

function copyTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    const [source, target] = [join(from, name), join(to, name)];
    if (statSync(source).isDirectory()) copyTree(source, target);
    else if (!name.endsWith(".safetensors")) copyFileSync(source, target);
  }
}

/** Writes a model in the diffusers layout: weights in float16, all else copied from `source`. */
export function exportModel(model: Sdxl, folder: string, { source }: { source: string }): void {
  copyTree(source, folder);
  const { unet, text_encoder, text_encoder_2 } = loraParts(model);
  const write = (path: string, module: Module) =>
    noGrad(() =>
      scope(() => {
        const weights = [...module.stateDict()].map(([key, t]): [string, Tensor] => [
          key,
          t.to({ device: "cpu" }).to("float16"),
        ]);
        writeSafetensors(join(folder, path), weights, { metadata: { format: "pt" } });
      }),
    );
  write("unet/diffusion_pytorch_model.safetensors", unet);
  write("vae/diffusion_pytorch_model.safetensors", model.vae);
  write("text_encoder/model.safetensors", text_encoder);
  write("text_encoder_2/model.safetensors", text_encoder_2);
}
