import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { liveTensors, randn, scope, tensor } from "@stillframe/torch";
import { NoiseSchedule } from "../schedule/noise-schedule.js";
import { clampedDenoiser, type Denoiser, denoiser } from "./denoiser.js";
import { samplers } from "./index.js";
import { evaluationAt, sigmasOf, skipMoves, timestepsOf } from "./plan.js";
import { weightedSum } from "./weighted-sum.js";

const schedule = NoiseSchedule.fromConfig({
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  timestep_spacing: "leading",
  steps_offset: 1,
});
const denoise: Denoiser = denoiser((x) => x.mul(0.5), schedule);
const noise = () => randn([1, 4, 2, 2]);
const names = Object.keys(samplers) as (keyof typeof samplers)[];

describe("a sampler", () => {
  it("has one of nine names", () => assert.equal(names.length, 9));

  for (const name of names) {
    const sampler = samplers[name]();
    const plan = sampler.plan(schedule, 6);
    it(`${name} yields once for each timestep and leaves nothing behind`, () => {
      const x = randn([1, 4, 2, 2]);
      const before = liveTensors();
      const draws: ReturnType<typeof noise>[] = [];
      const draw = () => {
        const made = noise();
        draws.push(made);
        return made;
      };
      const run = sampler.run(denoise, x, { plan, noise: draw });
      const seen: number[] = [];
      let next = run.next();
      let largest = 0;
      for (; !next.done; next = run.next()) {
        const { step, timestep, sigma, x: state, denoised } = next.value;
        assert.equal(step, seen.length);
        assert.equal(sigma, plan.evaluations[step]!.sigma);
        assert.deepEqual([state.shape, denoised.shape], [x.shape, x.shape]);
        largest = Math.max(largest, liveTensors() - before);
        seen.push(timestep);
      }
      assert.deepEqual(seen, timestepsOf(plan));
      assert.equal(sigmasOf(plan).length, seen.length + 1);
      assert.ok(next.value.toArray().every(Number.isFinite));
      assert.equal(x.disposed, false);
      assert.ok(largest <= 6, `${largest} tensors alive between steps`);
      next.value.dispose();
      assert.equal(liveTensors(), before);
      assert.ok(draws.every((draw) => draw.disposed));
    });

    it(`${name} frees everything when its caller leaves`, () => {
      const x = randn([1, 4, 2, 2]);
      const before = liveTensors();
      for (const step of sampler.run(denoise, x, { plan, noise })) if (step.step === 3) break;
      assert.equal(liveTensors(), before);
      assert.equal(x.disposed, false);
    });
  }

  it("frees everything when the network fails", () => {
    const x = randn([1, 4, 2, 2]);
    const before = liveTensors();
    const sampler = samplers.unipc();
    const failing: Denoiser = (state, at) => {
      if (at.timestep < 500) throw new Error("out of luck");
      return denoise(state, at);
    };
    const run = sampler.run(failing, x, { plan: sampler.plan(schedule, 6) });
    assert.throws(() => [...run], /out of luck/);
    assert.equal(liveTensors(), before);
  });

  it("records no gradients", () => {
    const sampler = samplers.euler();
    const weight = tensor([0.5]).requiresGrad_();
    const trained = denoiser((x) => x.mul(weight), schedule);
    for (const step of sampler.run(trained, randn([2]), { plan: sampler.plan(schedule, 2) }))
      assert.equal(step.x.requiresGrad, false);
  });

  it("wants float32 and, if it adds noise, noise", () => {
    const half = randn([2]).to("bfloat16");
    const plan = samplers.euler().plan(schedule, 2);
    assert.throws(() => samplers.euler().run(denoise, half, { plan }).next(), /expected a float32 tensor for x/);
    for (const name of ["ddpm", "euler-ancestral", "dpmpp-2m-sde", "lcm"] as const)
      assert.throws(
        () => samplers[name]().run(denoise, randn([2]), { plan }),
        /expected a function from step to tensor for noise but received undefined/,
      );
    assert.throws(() => samplers.ddim({ eta: 0.5 }).run(denoise, randn([2]), { plan }), /for noise/);
  });

  it("refuses settings that it does not have", () => {
    assert.throws(() => samplers.ddim({ eta: 2 }), /expected a number from 0 to 1 for eta but received 2/);
    assert.throws(() => samplers["dpmpp-2m"]({ order: 4 as 3 }), /expected 1, 2 or 3 for order but received 4/);
    assert.throws(() => samplers["dpmpp-2m"]({ algorithm: "dpmsolver" }), /expected sigma_min .* for finalSigma/);
    assert.throws(
      () => samplers["dpmpp-2m"]({ algorithm: "sde-dpmsolver", order: 3, finalSigma: "sigma_min" }),
      /expected 1 or 2 for sde-dpmsolver for order/,
    );
    assert.throws(() => samplers.unipc({ order: 4 }), /expected an integer from 1 to 3 for order but received 4/);
    assert.throws(() => samplers.unipc({ lowerOrderFinal: false }), /expected true .* for lowerOrderFinal/);
    assert.throws(() => samplers.unipc({ predictX0: false }), /expected sigma_min .* for finalSigma/);
    assert.throws(() => samplers.lcm().plan(schedule, 51), /expected an integer from 1 to 50 for steps/);
    assert.throws(() => samplers.lcm({ originalSteps: 0 }).plan(schedule, 1), /from 1 to 1000 for originalSteps/);
  });
});

describe("a plan", () => {
  it("can be entered later", () => {
    for (const name of names) {
      const sampler = samplers[name]();
      const plan = sampler.plan(schedule, 6);
      const rest = skipMoves(plan, 2);
      assert.deepEqual(timestepsOf(rest), timestepsOf(plan).slice(name === "heun" ? 4 : 2));
      assert.deepEqual(rest.evaluations[0], rest.moves[0]!.from);
      const x = randn([1, 4, 2, 2]);
      const steps = scope(() => Array.from(sampler.run(denoise, x, { plan: rest, noise }), (s) => s.timestep));
      assert.deepEqual(steps, timestepsOf(rest));
    }
    const plan = samplers.euler().plan(schedule, 6);
    assert.throws(() => skipMoves(plan, 6), /expected an integer from 0 to 5 for moves but received 6/);
  });

  it("starts with the noise that fits the first level", () => {
    const trailing = { ...schedule, timestepSpacing: "trailing" as const };
    const max = sigmasOf(samplers.euler().plan(trailing, 5))[0]!;
    assert.equal(samplers.euler().plan(trailing, 5).initNoiseSigma, max);
    const plan = samplers.euler().plan(schedule, 5);
    assert.ok(Math.abs(plan.initNoiseSigma ** 2 - sigmasOf(plan)[0]! ** 2 - 1) < 1e-9);
    assert.equal(samplers.ddim().plan(schedule, 5).initNoiseSigma, 1);
  });

  it("finds an evaluation by its timestep: of two the second", () => {
    const plan = samplers.euler().plan(schedule, 4);
    assert.equal(evaluationAt(plan, 501), plan.evaluations[1]);
    const [first, second] = plan.evaluations;
    const doubled = { ...plan, evaluations: [first!, { ...second!, timestep: first!.timestep }] };
    assert.equal(evaluationAt(doubled, first!.timestep), doubled.evaluations[1]);
    assert.throws(() => evaluationAt(plan, 500), /expected a timestep of the plan for timestep but received 500/);
  });
});

describe("a denoiser", () => {
  const at = { timestep: 10, alpha: 0.6, sigma: 0.8 };
  it("takes apart what was put together, whatever the network predicts", () => {
    const [x0, eps] = [1.5, -0.5];
    const x = tensor([at.alpha * x0 + at.sigma * eps]);
    const outputs = { epsilon: eps, v_prediction: at.alpha * eps - at.sigma * x0, sample: x0 } as const;
    for (const predictionType of ["epsilon", "v_prediction", "sample"] as const) {
      const found = denoiser(() => tensor([outputs[predictionType]]), { predictionType })(x, at);
      assert.ok(Math.abs(found.x0.item() - x0) < 1e-6, `x0 from ${predictionType}`);
      assert.ok(Math.abs(found.eps.item() - eps) < 1e-6, `eps from ${predictionType}`);
    }
  });

  it("gives the network unit variance and float32 back", () => {
    const seen: [number, number][] = [];
    const found = denoiser(
      (input, timestep) => {
        seen.push([input.item(), timestep]);
        return input.to("bfloat16");
      },
      { predictionType: "epsilon" },
    )(tensor([10]), { timestep: 7, alpha: 1, sigma: Math.sqrt(24) });
    assert.deepEqual(seen, [[2, 7]]);
    assert.deepEqual([found.x0.dtype, found.eps.dtype], ["float32", "float32"]);
  });

  it("has no answer for epsilon where there is no signal", () => {
    const dark = { timestep: 999, alpha: 0, sigma: 1 };
    assert.throws(
      () => denoiser((x) => x, { predictionType: "epsilon" })(tensor([1]), dark),
      /expected v_prediction or sample \(timestep 999 has no signal\) for predictionType but received "epsilon"/,
    );
    assert.equal(denoiser((x) => x.mul(-1), { predictionType: "v_prediction" })(tensor([2]), dark).x0.item(), 2);
    assert.throws(
      () => denoiser((x) => x, { predictionType: "flow" as "sample" })(tensor([1]), at),
      /expected one of epsilon, v_prediction, sample for predictionType/,
    );
  });

  it("can be clamped: x0 alone", () => {
    const inner: Denoiser = () => ({ x0: tensor([-3, 0.5, 3]), eps: tensor([-3, 0.5, 3]) });
    const { x0, eps } = clampedDenoiser(inner, 1)(tensor([0]), at);
    assert.deepEqual(x0.toArray(), [-1, 0.5, 1]);
    assert.deepEqual(eps.toArray(), [-3, 0.5, 3]);
  });
});

describe("weightedSum", () => {
  it("leaves out what has no weight", () => {
    const broken = tensor([Number.POSITIVE_INFINITY]);
    assert.equal(
      weightedSum([
        [2, tensor([3])],
        [0, broken],
        [-1, tensor([1])],
      ]).item(),
      5,
    );
  });

  it("refuses weights that are no numbers, and none at all", () => {
    assert.throws(
      () => weightedSum([[Number.NaN, tensor([1])]]),
      /expected a finite number for weight but received NaN/,
    );
    assert.throws(() => weightedSum([[0, tensor([1])]]), /expected at least one weight other than 0 for terms/);
  });
});
