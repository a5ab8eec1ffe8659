// Euler's method on a network that knows one picture: every step comes closer to it.
import { denoiser, NoiseSchedule, samplers } from "@stillframe/diffusion";
import { full, Generator, randn } from "@stillframe/torch";

const schedule = NoiseSchedule.fromConfig({ beta_start: 0.00085, beta_end: 0.012, beta_schedule: "scaled_linear" });
const sampler = samplers.euler();
const plan = sampler.plan(schedule, 10);
const picture = full([1, 4, 8, 8], 0.5);

// `sample` prediction: the network says the picture itself
const denoise = denoiser(() => picture, { predictionType: "sample" });
const noise = randn([1, 4, 8, 8], { generator: new Generator(1) }).mul(plan.initNoiseSigma);
for (const { step, sigma, x } of sampler.run(denoise, noise, { plan }))
  console.log(step, sigma.toFixed(2), x.sub(picture).abs().mean().item().toFixed(3));
