import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Generator, randn, scope, type Tensor, tensor } from "@stillframe/torch";
import { NoiseSchedule } from "../schedule/noise-schedule.js";
import { ddim, sampleDdim } from "./ddim.js";
import { ddpm } from "./ddpm.js";
import { type Denoiser, denoiser } from "./denoiser.js";
import { dpmSolver, sampleDpmSolver } from "./dpm-solver.js";
import { euler } from "./euler.js";
import { eulerAncestral } from "./euler-ancestral.js";
import { heun } from "./heun.js";
import { lcm } from "./lcm.js";
import type { Plan } from "./plan.js";
import type { SampleRun, Sampler } from "./sampler.js";
import { unipc } from "./unipc.js";

/** Pictures of one pixel, normally distributed with this mean and deviation. */
const MEAN = 0.5;
const DEVIATION = 0.8;

const CONFIG = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: "scaled_linear", timestep_spacing: "linspace" };
const schedule = NoiseSchedule.fromConfig(CONFIG);

/** The perfect denoiser of those pictures: the posterior mean of x0. */
const perfect: Denoiser = (x, { alpha, sigma }) => {
  const total = alpha ** 2 * DEVIATION ** 2 + sigma ** 2;
  const x0 = x.mul((alpha * DEVIATION ** 2) / total).add((sigma ** 2 * MEAN) / total);
  return { x0, eps: x.sub(x0.mul(alpha)).div(sigma) };
};

/** The probability-flow ODE's exact solution, as x / alpha at the noise-to-signal ratio `at`. */
const exact = (start: number, from: number, at: number): number =>
  MEAN + (start - MEAN) * Math.sqrt((DEVIATION ** 2 + at ** 2) / (DEVIATION ** 2 + from ** 2));

function finish(run: SampleRun): Tensor {
  for (;;) {
    const { done, value } = run.next();
    if (done) return value;
  }
}

/** The error at the last evaluation's point: what comes after it, a step to no noise, is of order 1 for all. */
function errorOf(sampler: Sampler, steps: number): number {
  const plan = sampler.plan(schedule, steps);
  const [first, last] = [plan.evaluations[0]!, plan.evaluations[plan.evaluations.length - 1]!];
  return scope(() => {
    const start = tensor([first.sigma * 1.3], { dtype: "float32" });
    const states = Array.from(sampler.run(perfect, start, { plan }), (step) => step.x.item());
    const made = states[states.length - 2]! / last.alpha;
    const [from, at] = [first.sigma / first.alpha, last.sigma / last.alpha];
    return Math.abs(made - exact((first.sigma * 1.3) / first.alpha, from, at));
  });
}

describe("samplers converge to the known solution with their order", () => {
  // Even steps in the time in which the solvers expand.
  const sigmas = "exponential" as const;
  const cases: { name: string; sampler: Sampler; order: 1 | 2 | 3 }[] = [
    { name: "euler", sampler: euler({ sigmas }), order: 1 },
    { name: "ddim", sampler: ddim(), order: 1 },
    { name: "DPM++ of order 1", sampler: dpmSolver({ order: 1, sigmas }), order: 1 },
    { name: "heun", sampler: heun({ sigmas }), order: 2 },
    { name: "heun with Karras sigmas", sampler: heun({ sigmas: "karras" }), order: 2 },
    { name: "DPM++ 2M", sampler: dpmSolver({ sigmas }), order: 2 },
    { name: "DPM++ 2M with Karras sigmas", sampler: dpmSolver({ sigmas: "karras" }), order: 2 },
    { name: "DPM++ 2M of the heun kind", sampler: dpmSolver({ sigmas, solverType: "heun" }), order: 2 },
    {
      name: "DPM-Solver 2M",
      sampler: dpmSolver({ sigmas, algorithm: "dpmsolver", finalSigma: "sigma_min" }),
      order: 2,
    },
    { name: "DPM++ 3M", sampler: dpmSolver({ sigmas, order: 3 }), order: 2 },
    { name: "UniPC", sampler: unipc({ sigmas }), order: 3 },
    { name: "UniPC bh1", sampler: unipc({ sigmas, solverType: "bh1" }), order: 3 },
  ];
  for (const { name, sampler, order } of cases)
    it(`${name}, order ${order}`, () => {
      const [coarse, fine] = [errorOf(sampler, 25), errorOf(sampler, 100)];
      // Four times as many steps: the error falls by 4 to the order.
      assert.ok(fine < coarse / (0.8 * 4 ** order), `${coarse} at 25 steps, ${fine} at 100`);
      assert.ok(fine < 0.02 / 10 ** (order - 1), `${fine} at 100 steps`);
    });
});

describe("samplers with noise keep the distribution", () => {
  const trailing = NoiseSchedule.fromConfig({ ...CONFIG, timestep_spacing: "trailing" });
  const samplers: [string, Sampler][] = [
    ["ddpm", ddpm()],
    ["ddpm with the forward variance", ddpm({ variance: "fixed_large" })],
    ["ddim with eta 1", ddim({ eta: 1 })],
    ["euler ancestral", eulerAncestral()],
    ["DPM++ 2M SDE", dpmSolver({ algorithm: "sde-dpmsolver++" })],
  ];
  for (const [name, sampler] of samplers)
    it(name, () => {
      const generator = new Generator(7);
      const plan = sampler.plan(trailing, 250);
      const { alpha, sigma } = plan.evaluations[0]!;
      const [mean, deviation] = scope(() => {
        const spread = Math.sqrt(alpha ** 2 * DEVIATION ** 2 + sigma ** 2);
        const start = randn([40_000], { generator })
          .mul(spread)
          .add(alpha * MEAN);
        const run = sampler.run(perfect, start, { plan, noise: () => randn([40_000], { generator }) });
        const values = finish(run).toArray();
        const m = values.reduce((a, b) => a + b, 0) / values.length;
        return [m, Math.sqrt(values.reduce((a, b) => a + (b - m) ** 2, 0) / values.length)] as const;
      });
      assert.ok(Math.abs(mean - MEAN) < 0.02, `mean ${mean}`);
      assert.ok(Math.abs(deviation / DEVIATION - 1) < 0.03, `deviation ${deviation}`);
    });
});

describe("samplers agree where the papers say so", () => {
  const start = () => randn([64], { generator: new Generator(3) });
  const near = (a: Tensor, b: Tensor) => {
    const gap = a.sub(b).abs().amax().item();
    assert.ok(gap < 5e-6, `differ by ${gap}`);
  };

  it("DDIM with eta 1 is DDPM where both have the same steps", () => {
    const leading = NoiseSchedule.fromConfig({ ...CONFIG, timestep_spacing: "leading" });
    const draws = Array.from({ length: 20 }, (_, i) => randn([64], { generator: new Generator(100 + i) }));
    const through = (sampler: Sampler) => {
      const plan = sampler.plan(leading, 20);
      return finish(sampler.run(perfect, start(), { plan, noise: (step) => draws[step]! }));
    };
    near(through(ddim({ eta: 1 })), through(ddpm()));
  });

  it("DDIM is DPM-Solver of order 1, whichever answer that holds, and UniPC of order 1 without its corrector", () => {
    const dpm = dpmSolver({ order: 1, finalSigma: "sigma_min" });
    const plan = dpm.plan(schedule, 12);
    const expected = finish(sampleDdim(perfect, start(), { plan, eta: 0 }));
    near(finish(dpm.run(perfect, start(), { plan })), expected);
    const holdingEps = { plan, algorithm: "dpmsolver", solverType: "midpoint" } as const;
    near(finish(sampleDpmSolver(perfect, start(), holdingEps)), expected);
    const predictor = unipc({ order: 1, disableCorrector: [...Array(12).keys()] });
    near(finish(predictor.run(perfect, start(), { plan })), expected);
  });

  it("Euler is DDIM in x / alpha", () => {
    const sampler = euler();
    const exploding = sampler.plan(schedule, 9);
    const preserving = (level: { alpha: number; sigma: number }) => {
      const norm = Math.hypot(level.alpha, level.sigma);
      return { alpha: level.alpha / norm, sigma: level.sigma / norm };
    };
    const moves = exploding.moves.map((move) => ({
      ...move,
      from: { ...move.from, ...preserving(move.from) },
      to: preserving(move.to),
    }));
    const plan: Plan = { moves, evaluations: moves.map((move) => move.from), initNoiseSigma: 1 };
    const scale = Math.hypot(1, exploding.evaluations[0]!.sigma);
    const a = finish(sampler.run(perfect, start().mul(scale), { plan: exploding }));
    near(a, finish(sampleDdim(perfect, start(), { plan, eta: 0 })));
  });
});

describe("consistency sampling", () => {
  it("goes to the denoised picture, but for the trace of x that the boundary condition keeps", () => {
    const sampler = lcm();
    const plan = sampler.plan(schedule, 1);
    assert.deepEqual(
      plan.evaluations.map((point) => point.timestep),
      [999],
    );
    const x = tensor([1.7]);
    const noise = () => assert.fail("a last step draws no noise");
    const made = finish(sampler.run(perfect, x, { plan, noise })).item();
    const { x0 } = perfect(x, plan.evaluations[0]!);
    assert.ok(Math.abs(made - x0.item()) < 1e-4);
  });
});

describe("a run from a network's output", () => {
  it("ends where the perfect denoiser does, whatever the network predicts", () => {
    const sampler = euler();
    const plan = sampler.plan(schedule, 10);
    const point = (timestep: number) => plan.evaluations.find((p) => p.timestep === timestep)!;
    const results = (["epsilon", "v_prediction", "sample"] as const).map((predictionType) => {
      const denoise = denoiser(
        (input, timestep) => {
          const at = point(timestep);
          const norm = Math.hypot(at.alpha, at.sigma);
          const { x0, eps } = perfect(input.mul(norm), at);
          if (predictionType === "sample") return x0;
          return predictionType === "epsilon" ? eps : eps.mul(at.alpha / norm).sub(x0.mul(at.sigma / norm));
        },
        { predictionType },
      );
      return finish(sampler.run(denoise, tensor([9.5]), { plan })).item();
    });
    const expected = finish(sampler.run(perfect, tensor([9.5]), { plan })).item();
    for (const made of results) assert.ok(Math.abs(made - expected) < 1e-5, `${made} for ${expected}`);
  });
});
