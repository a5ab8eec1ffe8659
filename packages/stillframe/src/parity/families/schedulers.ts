import { type SchedulerConfig, samplerFromDiffusers, simulate, type Trajectory } from "@stillframe/diffusion";
import { FileFormatError, stack, type Tensor, tensor } from "@stillframe/torch";
import { exact, relative, scaled, scaledByRow, type Tolerance } from "../comparison.js";
import type { Family } from "../family.js";
import { jsonPath } from "../json-leaves.js";
import type { ParityContext } from "../parity-context.js";
import { checkForward, FORWARD_FILE } from "./schedulers-forward.js";

const FILE = "schedulers/trajectories.safetensors";
const JSON_FILE = "schedulers/schedulers.json";
export const SIGMA_TOLERANCE = relative(1e-5);
const TRAJECTORY_TOLERANCE = scaledByRow(2e-5);

export interface SchedulerCase {
  class: string;
  overrides: SchedulerConfig;
  step_kwargs: { eta?: number };
  full_config: SchedulerConfig;
  runs: Record<string, Run>;
}

interface Run {
  init_noise_sigma: number;
  num_timesteps: number;
  order: number;
  noise_used_at_steps: number[];
  final_absmax: number;
}

export interface SchedulersJson {
  base_config: SchedulerConfig;
  steps: number[];
  shape: number[];
  cases: Record<string, SchedulerCase>;
}

/** Samplers on a made-up network, state by state; and the forward process with its weights. */
export const schedulers: Family = {
  name: "schedulers",
  owns: (file) => file.startsWith("schedulers/"),
  check(context) {
    const { folder } = context;
    context.section("cases", [JSON_FILE, FILE], () => {
      const { cases } = folder.json<SchedulersJson>(JSON_FILE);
      for (const name of ["base_config", "steps", "shape"]) folder.use(JSON_FILE, name);
      if (Object.keys(cases).length === 0)
        throw new FileFormatError(folder.pathOf(JSON_FILE), "there is no case in it");
    });
    if (!folder.has(JSON_FILE)) return;
    const { cases } = folder.json<SchedulersJson>(JSON_FILE);
    for (const [name, { runs }] of Object.entries(cases))
      for (const steps of Object.keys(runs))
        context.section(`${name}, ${steps} steps`, [FILE, JSON_FILE], () => checkRun(context, name, Number(steps)));
    context.section("forward process", [FORWARD_FILE, JSON_FILE], () =>
      checkForward(context, folder.json<SchedulersJson>(JSON_FILE)),
    );
  },
};

function checkRun(context: ParityContext, name: string, steps: number): void {
  const { folder } = context;
  const json = folder.json<SchedulersJson>(JSON_FILE);
  const spec = json.cases[name] as SchedulerCase;
  const prefix = `${name}.${steps}.`;
  const tensors = folder.tensors(FILE);
  const noise = tensors.has(`${prefix}noise`) ? folder.input(FILE, `${prefix}noise`) : undefined;
  for (const part of ["overrides", "step_kwargs"]) folder.use(JSON_FILE, jsonPath("cases", name, part));
  const config = { ...json.base_config, ...spec.overrides };
  const drawn: number[] = [];
  const start = folder.input(FILE, `${prefix}x_init_unit`);
  const trajectory = simulate(
    {
      className: spec.class,
      config,
      steps,
      stepOptions: spec.step_kwargs,
      start,
      noise: (step) => {
        if (noise === undefined) throw new FileFormatError(folder.pathOf(FILE), `there is no tensor ${prefix}noise`);
        drawn.push(step);
        return noise.select(0, step);
      },
    },
    (input, { evaluation }) => madeUpNetwork(input, evaluation),
  );
  checkStates(context, prefix, trajectory);
  checkRunJson(context, { name, steps, trajectory, drawn });
  checkFullConfig(context, { name, steps, trajectory });
}

/** The reference's stand-in for a network: `0.3 input[k] + 0.1 sin(evaluation + k)` in float64, k counted in C order. */
function madeUpNetwork(input: Tensor, evaluation: number): Tensor {
  const values = input.to("float64").data() as Float64Array;
  const output = Float32Array.from(values, (value, k) => 0.3 * value + 0.1 * Math.sin(evaluation + k));
  return tensor(output, { shape: input.shape });
}

function checkStates(context: ParityContext, prefix: string, trajectory: Trajectory): void {
  const { timesteps, sigmas, states, denoised } = trajectory;
  const tensors = context.folder.tensors(FILE);
  const integers = tensors.get(`${prefix}timesteps`)?.dtype === "int64";
  const check = (part: string, actual: Tensor | readonly number[], tolerance: Tolerance, group = `*.${part}`) => {
    if (tensors.has(prefix + part)) context.checkTensor(FILE, prefix + part, { actual, tolerance, group });
  };
  if (integers) check("timesteps", timesteps, exact);
  else check("timesteps", timesteps, relative(1e-5), "*.timesteps (fractional)");
  check("sigmas", sigmas, SIGMA_TOLERANCE);
  check("trajectory", stack(states), TRAJECTORY_TOLERANCE);
  check("x0", stack(denoised), TRAJECTORY_TOLERANCE);
}

/** What the JSON file says of a run. */
function checkRunJson(
  context: ParityContext,
  { name, steps, trajectory, drawn }: { name: string; steps: number; trajectory: Trajectory; drawn: readonly number[] },
): void {
  const run = context.folder.json<SchedulersJson>(JSON_FILE).cases[name]?.runs[steps] as Run;
  const path = (part: keyof Run) => jsonPath("cases", name, "runs", steps, part);
  const group = (part: keyof Run) => `cases/*/runs/*/${part}`;
  const check = (part: keyof Run, actual: number, tolerance: Tolerance) =>
    context.check(JSON_FILE, path(part), { actual, expected: run[part] as number, tolerance, group: group(part) });
  check("init_noise_sigma", trajectory.initNoiseSigma, SIGMA_TOLERANCE);
  check("num_timesteps", trajectory.timesteps.length, exact);
  check("order", Math.ceil(trajectory.timesteps.length / steps), exact);
  check("final_absmax", (trajectory.states.at(-1) as Tensor).abs().amax().item(), scaled(2e-5));
  checkDraws(context, { path: path("noise_used_at_steps"), group: group("noise_used_at_steps"), run, drawn });
}

/** Which steps draw noise. The reference also draws where the noise is then multiplied by 0; that is no difference. */
function checkDraws(
  context: ParityContext,
  { path, group, run, drawn }: { path: string; group: string; run: Run; drawn: readonly number[] },
): void {
  const surplus = drawn.filter((step) => !run.noise_used_at_steps.includes(step));
  context.check(JSON_FILE, path, { actual: surplus.length, expected: 0, tolerance: exact, group });
}

/** The configuration with every default written out means the same as the one with the overrides alone. */
function checkFullConfig(
  context: ParityContext,
  { name, steps, trajectory }: { name: string; steps: number; trajectory: Trajectory },
): void {
  const {
    class: className,
    full_config,
    step_kwargs,
  } = context.folder.json<SchedulersJson>(JSON_FILE).cases[name] as SchedulerCase;
  const { schedule, sampler } = samplerFromDiffusers(className, full_config, step_kwargs);
  const plan = sampler.plan(schedule, steps);
  context.check(JSON_FILE, jsonPath("cases", name, "full_config"), {
    actual: plan.evaluations.map((e) => e.timestep),
    expected: trajectory.timesteps,
    tolerance: exact,
    group: "cases/*/full_config",
  });
  context.check(JSON_FILE, jsonPath("cases", name, "full_config"), {
    actual: plan.evaluations.map((e) => e.sigma / e.alpha),
    expected: trajectory.sigmas.slice(0, -1),
    tolerance: exact,
    group: "cases/*/full_config",
  });
}
