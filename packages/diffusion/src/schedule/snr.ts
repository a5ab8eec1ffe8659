import { invalid } from "@stillframe/torch/errors";
import { type NoiseSchedule, noiseLevel, type PredictionType } from "./noise-schedule.js";

/** The signal-to-noise ratio `(alpha / sigma)²` at an integer training timestep. */
export function snr(schedule: NoiseSchedule, timestep: number): number {
  const { alpha, sigma } = noiseLevel(schedule, timestep);
  return (alpha / sigma) ** 2;
}

/**
 * The weight of one sample's squared error. Hang et al. 2023, "Efficient Diffusion Training via Min-SNR Weighting
 * Strategy": `min(snr, gamma)` for the error in x0, carried over to what the network predicts.
 *
 * @throws InvalidArgumentError for a network that predicts the noise where there is no signal: the weight has no value
 */
export function minSnrWeight(
  snr: number,
  { gamma, prediction }: { gamma: number; prediction: PredictionType },
): number {
  if (!(gamma > 0)) throw invalid("gamma", "a number above 0", gamma);
  if (!(snr >= 0)) throw invalid("snr", "a number of at least 0", snr);
  const weight = Math.min(snr, gamma);
  switch (prediction) {
    case "epsilon":
      if (snr === 0) throw invalid("snr", "a number above 0 (the network predicts epsilon)", snr);
      return weight / snr;
    case "v_prediction":
      return weight / (snr + 1);
    case "sample":
      return weight;
    default:
      throw invalid("prediction", "one of epsilon, v_prediction, sample", prediction);
  }
}
