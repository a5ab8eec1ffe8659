import {
  addNoise,
  minSnrWeight,
  NoiseSchedule,
  noiseLevel,
  type PredictionType,
  type SchedulerConfig,
  samplerFromDiffusers,
  sigmaTable,
  snr,
  velocity,
} from "@stillframe/diffusion";
import { FileFormatError, type Tensor } from "@stillframe/torch";
import { relative, scaled } from "../comparison.js";
import type { ParityContext } from "../parity-context.js";
import type { SchedulersJson } from "./schedulers.js";

export const FORWARD_FILE = "schedulers/forward.safetensors";

/** Elementwise where every element matters by itself, to the largest element where signal and noise cancel. */
const EACH = relative(1e-5);
const TOGETHER = scaled(1e-5);

/** Noising, velocities, signal-to-noise ratios, and the loss weights that follow from them. */
export function checkForward(context: ParityContext, json: SchedulersJson): void {
  const { folder } = context;
  const schedule = NoiseSchedule.fromConfig(json.base_config);
  const zeroSnr = NoiseSchedule.fromConfig({ ...json.base_config, rescale_betas_zero_snr: true });
  const known: [RegExp, (match: RegExpExecArray) => readonly number[] | Float32Array | Tensor | null][] = [
    [/^betas$/, () => schedule.betas],
    [/^alphas_cumprod$/, () => schedule.alphasCumprod],
    [/^alphas_cumprod_zero_terminal_snr$/, () => zeroSnr.alphasCumprod],
    [/^euler_training_sigmas$/, () => sigmaTable(schedule)],
    [/^snr$/, () => snrTimesteps(context).map((t) => snr(schedule, t))],
    [/^minsnr_gamma([\d.]+)\.(\w+)$/, ([, gamma, prediction]) => weights(context, schedule, { gamma, prediction })],
    [/^\w+\.(add_noise|get_velocity)$/, ([, kind]) => forward(context, schedule, kind)],
    [/^(.+)\.(\d+)\.add_noise$/, ([, name, steps]) => sampledNoise(context, json, { name, steps })],
  ];
  for (const key of folder.tensors(FORWARD_FILE).keys()) {
    for (const [pattern, make] of known) {
      const match = pattern.exec(key);
      const actual = match === null ? null : make(match);
      if (actual === null) continue;
      const tolerance = /add_noise|get_velocity/.test(key) ? TOGETHER : EACH;
      context.checkTensor(FORWARD_FILE, key, { actual, tolerance });
      break;
    }
  }
}

const snrTimesteps = ({ folder }: ParityContext): number[] => folder.input(FORWARD_FILE, "snr.timesteps").toArray();

function weights(
  context: ParityContext,
  schedule: NoiseSchedule,
  { gamma, prediction }: { gamma: string | undefined; prediction: string | undefined },
): number[] {
  const options = { gamma: Number(gamma), prediction: prediction as PredictionType };
  return snrTimesteps(context).map((t) => minSnrWeight(snr(schedule, t), options));
}

/** The forward process at training timesteps. */
function forward({ folder }: ParityContext, schedule: NoiseSchedule, kind: string | undefined): Tensor {
  const [x0, noise] = [folder.input(FORWARD_FILE, "x0"), folder.input(FORWARD_FILE, "noise")];
  const levels = folder
    .input(FORWARD_FILE, "timesteps")
    .toArray()
    .map((t) => noiseLevel(schedule, t));
  return kind === "add_noise" ? addNoise(x0, noise, levels) : velocity(x0, noise, levels);
}

/** The forward process at the timesteps of a sampler, as a picture is noised to start from it. */
function sampledNoise(
  { folder }: ParityContext,
  json: SchedulersJson,
  { name = "", steps }: { name: string | undefined; steps: string | undefined },
): Tensor {
  const spec = json.cases[name];
  if (spec === undefined) throw new FileFormatError(folder.pathOf(FORWARD_FILE), `schedulers.json has no case ${name}`);
  const config: SchedulerConfig = { ...json.base_config, ...spec.overrides };
  const { schedule, sampler } = samplerFromDiffusers(spec.class, config, spec.step_kwargs);
  const { evaluations } = sampler.plan(schedule, Number(steps));
  const timesteps = folder.input(FORWARD_FILE, `${name}.${steps}.add_noise_timesteps`).toArray();
  const levels = timesteps.map((t) => {
    const level = evaluations.find((point) => Math.abs(point.timestep - t) <= 1e-5 * Math.abs(t));
    if (level === undefined)
      throw new FileFormatError(folder.pathOf(FORWARD_FILE), `${name} with ${steps} steps has no timestep ${t}`);
    return level;
  });
  const first = (part: string) => folder.input(FORWARD_FILE, part).narrow(0, 0, levels.length);
  return addNoise(first("x0"), first("noise"), levels);
}
