import { Generator, noGrad } from "@stillframe/torch";
import { Vae } from "../model.js";

/** A VAE with weights drawn from a fixed seed. */
export function randomVae({ channels, sampleSize = 512 }: { channels: number[]; sampleSize?: number }): Vae {
  const config = {
    inChannels: 3,
    outChannels: 3,
    latentChannels: 4,
    channels,
    layers: 1,
    groups: 8,
    scalingFactor: 0.13025,
    sampleSize,
    forceUpcast: true,
    quantConv: true,
    postQuantConv: true,
  };
  return noGrad(() => new Vae(config).initialize(new Generator(1)));
}
