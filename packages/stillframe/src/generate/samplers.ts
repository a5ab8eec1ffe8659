import { type NoiseSchedule, type Sampler, type SchedulerSettings, samplerFromDiffusers } from "@stillframe/diffusion";
import type { GenerateOptions } from "@stillframe/schema";

/** diffusers' class and settings for each name that `--scheduler` takes. */
const CLASSES: Readonly<
  Record<GenerateOptions["scheduler"], { className: string; settings?: Record<string, unknown> }>
> = {
  euler: { className: "EulerDiscreteScheduler" },
  euler_ancestral: { className: "EulerAncestralDiscreteScheduler" },
  ddim: { className: "DDIMScheduler" },
  ddpm: { className: "DDPMScheduler" },
  dpmpp_2m: { className: "DPMSolverMultistepScheduler" },
  dpmpp_2m_karras: { className: "DPMSolverMultistepScheduler", settings: { use_karras_sigmas: true } },
  dpmpp_2m_sde: { className: "DPMSolverMultistepScheduler", settings: { algorithm_type: "sde-dpmsolver++" } },
  unipc: { className: "UniPCMultistepScheduler" },
  lcm: { className: "LCMScheduler" },
  heun: { className: "HeunDiscreteScheduler" },
};

/** The sampler of a name, on the noise schedule that the model was trained with. */
export function samplerNamed(
  name: GenerateOptions["scheduler"],
  { config }: SchedulerSettings,
): { sampler: Sampler; schedule: NoiseSchedule } {
  const { className, settings } = CLASSES[name];
  return samplerFromDiffusers(className, { ...config, ...settings } as SchedulerSettings["config"]);
}
