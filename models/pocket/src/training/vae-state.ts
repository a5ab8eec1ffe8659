import { Vae } from "@stillframe/diffusion";
import { Generator, noGrad } from "@stillframe/torch";
import { vaeModelConfig } from "./architecture.js";
import { TrainingState } from "./training-state.js";

/** The averaged autoencoder of a training state. @throws Error when there is none */
export function restoreAverage(folder: string): Vae {
  const vae = new Vae(vaeModelConfig()).initialize(new Generator(0));
  const state = new TrainingState(vae);
  if (!state.restore(folder)) throw new Error(`expected a trained autoencoder in ${folder}`);
  noGrad(() => state.parameters.values.copy_(state.average));
  vae.requiresGrad_(false);
  return vae;
}
