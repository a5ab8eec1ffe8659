import { existsSync } from "node:fs";
import { join } from "node:path";
import { Vae } from "@stillframe/diffusion";
import { Generator, noGrad } from "@stillframe/torch";
import { vaeModelConfig } from "./architecture.js";
import { TrainingState } from "./training-state.js";

/** What is trained once latents are fixed. */
export const isDecoder = (key: string): boolean => key.startsWith("decoder.") || key.startsWith("post_quant_conv.");

/** Where the autoencoder's training and the decoder's further training are kept. */
export const VAE_CHECKPOINT = "vae/checkpoint";
export const DECODER_CHECKPOINT = "decoder/checkpoint";

/**
 * The averaged autoencoder of a state folder, with the decoder of its further training if there was one.
 *
 * @throws Error when there is none
 */
export function trainedVae(root: string): Vae {
  const vae = new Vae(vaeModelConfig()).initialize(new Generator(0));
  const whole = new TrainingState(vae);
  if (!whole.restore(join(root, VAE_CHECKPOINT))) throw new Error(`expected a trained autoencoder in ${root}`);
  noGrad(() => whole.parameters.values.copy_(whole.average));
  if (existsSync(join(root, DECODER_CHECKPOINT))) {
    const decoder = new TrainingState(vae, { trains: isDecoder });
    decoder.restore(join(root, DECODER_CHECKPOINT));
    noGrad(() => decoder.parameters.values.copy_(decoder.average));
  }
  vae.requiresGrad_(false);
  return vae;
}
