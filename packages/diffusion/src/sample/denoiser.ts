import type { Tensor } from "@stillframe/torch";
import { invalid } from "@stillframe/torch/errors";
import type { PredictionType } from "../schedule/noise-schedule.js";
import type { Point } from "./plan.js";

/** A network as it was trained: `input [b, ...]` of unit variance → its prediction `[b, ...]`. */
export type Network = (input: Tensor, timestep: number) => Tensor;

/** What the network takes `x = alpha · x0 + sigma · eps` to be made of; float32 `[b, ...]` each. */
export interface Denoised {
  readonly x0: Tensor;
  readonly eps: Tensor;
}

/** The one contract between networks and samplers. */
export type Denoiser = (x: Tensor, at: Point) => Denoised;

/**
 * A denoiser over a network. This is the only place that knows what a network predicts and how its input is scaled.
 *
 * With `a = alpha / n` and `b = sigma / n`, `n = sqrt(alpha² + sigma²)`, the network sees `x / n` and predicts `eps`,
 * `v = a · eps - b · x0` (Salimans and Ho 2022) or `x0`.
 *
 * @throws InvalidArgumentError (when called) where there is no signal and the network predicts the noise: any x0 fits
 */
export function denoiser(network: Network, { predictionType }: { predictionType: PredictionType }): Denoiser {
  return (x, at) => {
    const { alpha, sigma, timestep } = at;
    if (alpha === 0 && predictionType === "epsilon")
      throw invalid("predictionType", `v_prediction or sample (timestep ${timestep} has no signal)`, predictionType);
    const norm = Math.hypot(alpha, sigma);
    const input = x.div(norm);
    const output = network(input, timestep).to("float32");
    switch (predictionType) {
      case "epsilon":
        return { x0: x.sub(output.mul(sigma)).div(alpha), eps: output };
      case "v_prediction": {
        const [a, b] = [alpha / norm, sigma / norm];
        return { x0: input.mul(a).sub(output.mul(b)), eps: output.mul(a).add(input.mul(b)) };
      }
      case "sample":
        return { x0: output, eps: x.sub(output.mul(alpha)).div(sigma) };
      default:
        throw invalid("predictionType", "one of epsilon, v_prediction, sample", predictionType);
    }
  };
}

/** The same denoiser with `x0` clamped to `[-range, range]`; `eps` stays as it was. For models of pixels. */
export function clampedDenoiser(denoise: Denoiser, range: number): Denoiser {
  return (x, at) => {
    const { x0, eps } = denoise(x, at);
    return { x0: x0.clamp(-range, range), eps };
  };
}
