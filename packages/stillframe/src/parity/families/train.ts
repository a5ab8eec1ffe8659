import { disposeSdxl, encodeIds, LORA_PARTS, type LoraPart, loadSdxl, type Sdxl } from "@stillframe/diffusion";
import { backward, clipGradNorm, enableGrad, type Tensor } from "@stillframe/torch";
import { absolute, exact, relative, scaled, type Tolerance } from "../comparison.js";
import type { Family } from "../family.js";
import { jsonPath } from "../json-leaves.js";
import { matched, type ParityContext } from "../parity-context.js";
import { CLIP_TOLERANCE } from "./clip.js";
import { checkLrSchedules, LR_FILE } from "./train-lr-schedules.js";
import {
  INIT_FILE,
  INPUTS_FILE,
  microLoss,
  type Objective,
  type Parameters,
  type StepTrace,
  type TrainConfig,
  trainedParts,
  trainVariant,
  withTrainableAdapter,
} from "./train-run.js";

const FOLDER = "train/";
const JSON_FILE = `${FOLDER}train.json`;
const LOSS = absolute(1e-5);
const NORM = relative(1e-4);
const GRADIENT = scaled(1e-3);

interface Checksum {
  sum_A: number;
  l2_A: number;
  sum_B: number;
  l2_B: number;
}

const WITHOUT_GRADIENT = "params_without_gradient (never updated, no weight decay)";

interface Variant {
  config: TrainConfig;
  micro_losses: number[];
  train_loss_per_step: number[];
  grad_norm_before_clip: number[];
  lr_used_by_step: number[];
  lr_after_step: number[];
  checksum_all_params_per_step: Checksum[];
  [WITHOUT_GRADIENT]: string[];
}

interface GradCheck {
  loss: number;
  grad_norm: number;
  no_grad: string[];
  /** how far the reference itself is off, to a tensor's largest element */
  max_rel_fp32_vs_fp64?: number;
}

/**
 * With B ≠ 0 in random text encoders the gradients hang on the last bits: changing every weight by half a bit moves
 * their norm by a percent. So the reference's own rounding error counts, if it is large.
 */
const gradCheckLimit = ({ max_rel_fp32_vs_fp64: own = 0 }: GradCheck): number => Math.max(3e-3, 7 * own);

type TrainJson = { rank: number; alpha: number; variants: Record<string, Variant> } & Record<
  `gradcheck_${string}`,
  GradCheck
>;

/** Whole training runs from given noise: losses, gradients, clipping, learning rates, parameters after every step. */
export const train: Family = {
  name: "train",
  owns: (file) => file.startsWith(FOLDER),
  check(context) {
    const { folder, modelIndex } = context;
    const inputs = [JSON_FILE, INPUTS_FILE, INIT_FILE, modelIndex];
    context.section("learning-rate schedules", [LR_FILE], () => checkLrSchedules(context));
    context.section("inputs", inputs, () => checkInputs(context));
    if (!folder.has(JSON_FILE)) return;
    const json = folder.json<TrainJson>(JSON_FILE);
    for (const name of Object.keys(json.variants)) {
      const file = `${FOLDER}${name}.safetensors`;
      context.section(name, [file, ...inputs], () => checkVariant(context, file, { name, json }));
    }
    for (const name of Object.keys(json).filter((key) => key.startsWith("gradcheck_"))) {
      const file = `${FOLDER}${name}.safetensors`;
      context.section(name, [file, ...inputs], () =>
        checkGradients(context, file, { name: name as `gradcheck_${string}`, json }),
      );
    }
  },
};

function checkInputs(context: ParityContext): void {
  const { folder, model } = context;
  const ids = (name: string) => folder.input(INPUTS_FILE, name).unsqueeze(1);
  const text = encodeIds(model, { one: ids("input_ids_one"), two: ids("input_ids_two") });
  context.checkTensor(INPUTS_FILE, "prompt_embeds", { actual: text.promptEmbeds, tolerance: CLIP_TOLERANCE });
  context.checkTensor(INPUTS_FILE, "pooled_prompt_embeds", { actual: text.textEmbeds, tolerance: CLIP_TOLERANCE });
  const { rank, alpha } = folder.json<TrainJson>(JSON_FILE);
  withTrainableAdapter(context, { parts: LORA_PARTS, rank, alpha, withB: true }, (parameters) =>
    context.checkSame(INIT_FILE, "(adapted layers)", {
      actual: [...parameters.keys()].sort(),
      expected: [...folder.tensors(INIT_FILE).keys()].sort(),
    }),
  );
  for (const part of ["rank", "alpha"]) folder.use(JSON_FILE, part);
}

function checkVariant(context: ParityContext, file: string, { name, json }: { name: string; json: TrainJson }): void {
  const variant = json.variants[name] as Variant;
  const { config } = variant;
  context.folder.use(JSON_FILE, jsonPath("variants", name, "config"));
  const options = {
    parts: trainedParts(config.train_te),
    rank: config.rank,
    alpha: config.alpha ?? json.alpha,
    withB: false,
  };
  withTrainableAdapter(context, options, (parameters) => {
    const onGradients = (step: number) => {
      if (step === 1) checkFirstGradients(context, file, { name, parameters, variant });
    };
    const traces: StepTrace[] = [];
    for (const trace of trainVariant(context, config, { parameters, onGradients })) {
      traces.push(trace);
      checkParameters(context, file, { name, trace, variant });
    }
    checkRecords(context, { name, variant, traces });
  });
}

/** Gradients after accumulation, before clipping. With B = 0 those of A are exactly 0 and not stored. */
function checkFirstGradients(
  context: ParityContext,
  file: string,
  { name, parameters, variant }: { name: string; parameters: Parameters; variant: Variant },
): void {
  const stored = context.folder.tensors(file);
  const without: string[] = [];
  let largestA = 0;
  for (const [parameter, tensor] of parameters) {
    const { grad } = tensor;
    if (grad === null) without.push(parameter);
    else if (stored.has(`grad_step1.${parameter}`)) {
      const part = `grad_step1.${parameter}`;
      context.checkTensor(file, part, { actual: grad, tolerance: GRADIENT, group: "grad_step1.*" });
    } else if (parameter.endsWith(".lora_A")) largestA = Math.max(largestA, grad.abs().amax().item());
  }
  context.check(file, "(gradients of A in step 1)", { actual: largestA, expected: 0, tolerance: exact });
  context.checkSame(JSON_FILE, jsonPath("variants", name, WITHOUT_GRADIENT), {
    actual: without.sort(),
    expected: [...variant[WITHOUT_GRADIENT]].sort(),
    group: "variants/*/params_without_gradient",
  });
}

/**
 * Stored parameters and checksums over all of them. Adam's first steps are as long as the learning rate whatever the
 * gradient: an element whose gradient is rounding noise may go the other way. So one element may be off by a quarter of
 * the way that an element can have gone, but the mean only by a thousandth of a step.
 */
function checkParameters(
  context: ParityContext,
  file: string,
  { name, trace, variant }: { name: string; trace: StepTrace; variant: Variant },
): void {
  const rates = variant.lr_used_by_step.slice(0, trace.step);
  const [travel, longest] = [rates.reduce((a, b) => a + b, 0), Math.max(...rates)];
  const prefix = `params_step${trace.step}.`;
  const keys = [...context.folder.tensors(file).keys()].filter((key) => key.startsWith(prefix));
  let [total, count] = [0, 0];
  for (const key of keys) {
    const actual = trace.parameters.get(key.slice(prefix.length));
    if (actual === undefined) {
      context.fail(file, key, "no such parameter is trained");
      continue;
    }
    context.checkTensor(file, key, { actual, tolerance: absolute(0.25 * travel), group: "params_step*" });
    total += actual.sub(context.folder.input(file, key)).abs().sum().item();
    count += actual.numel;
  }
  if (count > 0)
    context.check(file, `${prefix}* (mean)`, {
      actual: total / count,
      expected: 0,
      tolerance: absolute(1e-3 * longest),
      group: "params_step* (mean)",
    });
  checkChecksum(context, { name, trace, variant, travel, longest });
}

/** Sums over all elements: one stray element counts whole in the sum, the many small errors by chance. */
function checkChecksum(
  context: ParityContext,
  {
    name,
    trace,
    variant,
    travel,
    longest,
  }: { name: string; trace: StepTrace; variant: Variant; travel: number; longest: number },
): void {
  const index = trace.step - 1;
  const expected = variant.checksum_all_params_per_step[index];
  if (expected === undefined) return;
  for (const matrix of ["A", "B"] as const) {
    const all = [...trace.parameters].filter(([key]) => key.endsWith(`.lora_${matrix}`)).map(([, tensor]) => tensor);
    const { sum, squares, count } = sumsOf(all);
    const many = 1e-3 * longest * Math.sqrt(count) + 1e-9;
    const check = (kind: "sum" | "l2", actual: number, limit: number) =>
      context.check(JSON_FILE, jsonPath("variants", name, "checksum_all_params_per_step", index, `${kind}_${matrix}`), {
        actual,
        expected: expected[`${kind}_${matrix}`],
        tolerance: absolute(limit),
        group: `variants/${name}/checksum_all_params_per_step/*`,
      });
    check("sum", sum, many + 0.25 * travel);
    check("l2", Math.sqrt(squares), many);
  }
}

/** Sums in float64 over all elements of many tensors. */
function sumsOf(tensors: readonly Tensor[]): { sum: number; squares: number; count: number } {
  let [sum, squares, count] = [0, 0, 0];
  for (const tensor of tensors)
    for (const value of tensor.data() as Float32Array) {
      sum += value;
      squares += value * value;
      count += 1;
    }
  return { sum, squares, count };
}

/** Losses, norms and learning rates of the whole run. */
function checkRecords(
  context: ParityContext,
  { name, variant, traces }: { name: string; variant: Variant; traces: readonly StepTrace[] },
): void {
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const check = (part: keyof Variant & string, actual: readonly number[], tolerance: Tolerance) =>
    context.check(JSON_FILE, jsonPath("variants", name, part), {
      actual,
      expected: variant[part] as number[],
      tolerance,
      group: `variants/*/${part}`,
    });
  check(
    "micro_losses",
    traces.flatMap((t) => t.microLosses),
    LOSS,
  );
  check(
    "train_loss_per_step",
    traces.map((t) => mean(t.microLosses)),
    LOSS,
  );
  check(
    "grad_norm_before_clip",
    traces.map((t) => t.gradNorm),
    NORM,
  );
  check(
    "lr_used_by_step",
    traces.map((t) => t.lr),
    absolute(1e-12),
  );
  check(
    "lr_after_step",
    traces.map((t) => t.lrAfter),
    absolute(1e-12),
  );
}

/**
 * Gradients of A and B with a B that is not 0, of the first micro-batch; the file's name holds the objective.
 *
 * The network runs in float64 here: these gradients are so ill-conditioned that float32 rounding alone, ours or the
 * reference's, moves them by about the tolerance. (Gradients in float32 are checked in the training runs.)
 */
function checkGradients(
  context: ParityContext,
  file: string,
  options: { name: `gradcheck_${string}`; json: TrainJson },
): void {
  const wide = loadSdxl(context.folder.pathOf(context.modelFolder), { dtype: "float64" });
  try {
    checkGradientsOf(wide, context, { file, ...options });
  } finally {
    disposeSdxl(wide);
  }
}

function checkGradientsOf(
  model: Sdxl,
  context: ParityContext,
  { file, name, json }: { file: string; name: `gradcheck_${string}`; json: TrainJson },
): void {
  const { folder } = context;
  const expected = json[name] as GradCheck;
  const limit = gradCheckLimit(expected);
  const stored = folder.tensors(file);
  const parts = LORA_PARTS.filter((part: LoraPart) =>
    [...stored.keys()].some((key) => key.startsWith(`grad.${part}.`)),
  );
  const objective = { ...objectiveOf(name), train_te: parts.length > 1 };
  const run = { folder, model };
  withTrainableAdapter(run, { parts, rank: json.rank, alpha: json.alpha, withB: true }, (parameters) => {
    const loss = enableGrad(() => {
      const value = microLoss(run, 0, objective);
      backward(value);
      return value.detach().item();
    });
    const check = (part: "loss" | "grad_norm", actual: number, tolerance: Tolerance) =>
      context.check(JSON_FILE, jsonPath(name, part), { actual, expected: expected[part], tolerance });
    check("loss", loss, LOSS);
    const without: string[] = [];
    for (const [parameter, { grad }] of parameters) {
      if (grad === null) without.push(parameter);
      else if (stored.has(`grad.${parameter}`))
        context.checkTensor(file, `grad.${parameter}`, { actual: grad, tolerance: scaled(limit), group: "grad.*" });
    }
    check("grad_norm", clipGradNorm([...parameters.values()], Number.POSITIVE_INFINITY), relative(limit));
    const path = jsonPath(name, "no_grad");
    context.checkSame(JSON_FILE, path, { actual: without.sort(), expected: [...expected.no_grad].sort() });
    for (const parameter of parameters.values()) parameter.grad = null;
  });
}

/** `gradcheck_v_snr5`: velocity, min-SNR with gamma 5. */
function objectiveOf(name: string): Objective {
  const [, kind, gamma] = matched(name, /^gradcheck_(eps|v|sample)(?:_snr([\d.]+))?$/, "gradient check");
  const types = { eps: "epsilon", v: "v_prediction", sample: "sample" } as const;
  return {
    prediction_type: types[kind as keyof typeof types],
    snr_gamma: gamma === undefined ? null : Number(gamma),
  };
}
