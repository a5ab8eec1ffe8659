import { invalid, type Tensor, tensor } from "@stillframe/torch";
import { addNoise, minSnrWeight, type NoiseSchedule, noiseLevel, snr, velocity } from "../schedule/index.js";

export interface TrainingExample {
  /** what the UNet sees, `[b, c, h, w]` in float32 */
  noisy: Tensor;
  /** what it should say, `[b, c, h, w]` in float32 */
  target: Tensor;
  /** a weight for each picture, `[b]`; null when all are 1 */
  weights: Tensor | null;
}

/**
 * Noises latents and says what the network should predict; everything in float32.
 *
 * @param latents `[b, c, h, w]`, scaled
 * @param noise `[b, c, h, w]`
 * @param timesteps one integer for each picture
 * @param snrGamma min-SNR weighting (Hang et al. 2023, §3.4); absent for none
 */
export function trainingExample(
  latents: Tensor,
  noise: Tensor,
  {
    timesteps,
    schedule,
    snrGamma,
  }: { timesteps: readonly number[]; schedule: NoiseSchedule; snrGamma?: number | undefined },
): TrainingExample {
  const levels = timesteps.map((t) => noiseLevel(schedule, t));
  const [x0, eps] = [latents.to("float32"), noise.to("float32")];
  const noisy = addNoise(x0, eps, levels);
  const targets: Record<NoiseSchedule["predictionType"], () => Tensor> = {
    epsilon: () => eps,
    v_prediction: () => velocity(x0, eps, levels),
    sample: () => x0,
  };
  const make = targets[schedule.predictionType];
  if (make === undefined) throw invalid("prediction_type", "epsilon, v_prediction or sample", schedule.predictionType);
  const weights =
    snrGamma === undefined
      ? null
      : tensor(
          timesteps.map((t) =>
            minSnrWeight(snr(schedule, t), { gamma: snrGamma, prediction: schedule.predictionType }),
          ),
          {
            device: latents.device,
          },
        );
  return { noisy, target: make(), weights };
}
