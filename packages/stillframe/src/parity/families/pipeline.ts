import {
  encodePrompts,
  loraParts,
  type Plan,
  sampleLatents,
  setLoraMultiplier,
  sigmasOf,
  type TextToImageOptions,
  textToImage,
  timestepsOf,
  vaeFactor,
} from "@stillframe/diffusion";
import { stack, type Tensor, zerosLike } from "@stillframe/torch";
import { withAdapter } from "../adapters.js";
import { absolute, exact, relative, type Tolerance } from "../comparison.js";
import type { Family } from "../family.js";
import { jsonPath } from "../json-leaves.js";
import type { ParityContext } from "../parity-context.js";
import { CLIP_TOLERANCE } from "./clip.js";
import { LORA_FILE, referenceAdapter } from "./lora.js";
import { listOf, optionsOf, type PipelineArguments } from "./pipeline-call.js";
import { type PipelineSchedule, samplerOf } from "./pipeline-sampler.js";

const FOLDER = "pipeline/";
const FILE = `${FOLDER}pipeline.safetensors`;
const JSON_FILE = `${FOLDER}pipeline.json`;
const IDS_FILE = `${FOLDER}token_ids.json`;
const DECODED = absolute(1e-4);
const SCHEDULE = relative(1e-5);

interface Variant extends PipelineSchedule {
  args: PipelineArguments;
  final_absmax?: number;
  final_std?: number;
  decoded_absmax?: number;
  timesteps_used?: number[];
}

interface PipelineJson {
  vae_scale_factor: number;
  variants: Record<string, Variant>;
}

/** Whole pictures from given starting noise, with every argument that changes the result. */
export const pipeline: Family = {
  name: "pipeline",
  owns: (file) => file.startsWith(FOLDER),
  check(context) {
    const { folder, modelIndex } = context;
    const needs = [FILE, JSON_FILE, modelIndex];
    context.section("token ids", [IDS_FILE, modelIndex], () => checkTokenIds(context));
    context.section("variants", needs, () => {
      const expected = folder.json<PipelineJson>(JSON_FILE).vae_scale_factor;
      const actual = vaeFactor(context.model.vae.config);
      context.check(JSON_FILE, "vae_scale_factor", { actual, expected, tolerance: exact });
    });
    if (!folder.has(JSON_FILE)) return;
    for (const [name, variant] of Object.entries(folder.json<PipelineJson>(JSON_FILE).variants)) {
      const all = usesAdapter(name) ? [...needs, LORA_FILE] : needs;
      context.section(name, all, () => checkVariant(context, name, variant));
    }
  },
};

/** The variants with the reference adapter say so by name. */
const usesAdapter = (name: string): boolean => /(^|_)lora(_|$)/.test(name);

function checkTokenIds(context: ParityContext): void {
  const cases = context.folder.json<{ text: string; tokenizer: number[]; tokenizer_2: number[] }[]>(IDS_FILE);
  for (const [i, expected] of cases.entries())
    for (const [j, part] of (["tokenizer", "tokenizer_2"] as const).entries())
      context.check(IDS_FILE, jsonPath(i, part), {
        actual: context.model.tokenizers[j]?.encode(expected.text).ids ?? [],
        expected: expected[part],
        tolerance: exact,
        group: `*/${part}`,
      });
}

function checkVariant(context: ParityContext, name: string, variant: Variant): void {
  const { folder, model } = context;
  folder.use(JSON_FILE, jsonPath("variants", name, "args"));
  const run = () => {
    const scale = variant.args.cross_attention_kwargs?.scale ?? 1;
    for (const part of Object.values(loraParts(model))) setLoraMultiplier(part, scale);
    checkPooled(context, name, variant.args);
    checkPicture(context, name, variant);
  };
  if (usesAdapter(name)) withAdapter(model, referenceAdapter(context), run);
  else run();
  checkDecoded(context, name, variant);
}

/** Pooled embeddings, for the variants that store them. */
function checkPooled(context: ParityContext, name: string, args: PipelineArguments): void {
  const { folder, model } = context;
  const stored = (part: string) => folder.tensors(FILE).has(`${name}.${part}`);
  const encode = (texts: string[], second: string[]) => encodePrompts(model, texts, { prompts2: second }).textEmbeds;
  if (stored("pooled")) {
    const prompts = listOf(args.prompt);
    const actual = encode(prompts, listOf(args.prompt_2 ?? prompts));
    context.checkTensor(FILE, `${name}.pooled`, { actual, tolerance: CLIP_TOLERANCE });
  }
  if (stored("negative_pooled")) {
    const negative = args.negative_prompt == null ? null : listOf(args.negative_prompt);
    const actual =
      negative === null
        ? zerosLike(folder.input(FILE, `${name}.negative_pooled`))
        : encode(negative, listOf(args.negative_prompt_2 ?? negative));
    context.checkTensor(FILE, `${name}.negative_pooled`, { actual, tolerance: CLIP_TOLERANCE });
  }
}

/** Compares a number of the JSON file, where it has it. */
function checkNumbers(
  context: ParityContext,
  { name, variant, part }: { name: string; variant: Variant; part: keyof Variant },
  { actual, tolerance }: { actual: number | readonly number[]; tolerance: Tolerance },
): void {
  const expected = variant[part] as number | number[] | null | undefined;
  if (expected === undefined || expected === null) return;
  context.check(JSON_FILE, jsonPath("variants", name, part), {
    actual,
    expected,
    tolerance,
    group: `variants/*/${part}`,
  });
}

/** Above this the start is so much larger than a picture that its last digits show in the result. */
const LARGE_START = 1000;

function checkPicture(context: ParityContext, name: string, variant: Variant): void {
  const { folder, model } = context;
  const steps = variant.args.num_inference_steps;
  const { sampler, schedule } = samplerOf(model, name, { schedule: variant, steps });
  const plan = sampler.plan(schedule, steps);
  const tolerance = absolute(plan.initNoiseSigma > LARGE_START ? 3e-3 : 2e-3);
  checkSchedule(context, { name, variant, plan });
  const run = textToImage(model, { ...startOf(context, name, variant), sampler, schedule });
  const states: Tensor[] = [];
  const timesteps: number[] = [];
  let next = run.next();
  for (; next.done !== true; next = run.next()) {
    states.push(next.value.x.clone());
    timesteps.push(next.value.timestep);
  }
  const latents = next.value;
  if (folder.tensors(FILE).has(`${name}.latents_steps`))
    context.checkTensor(FILE, `${name}.latents_steps`, { actual: stack(states), tolerance, group: "*.latents_steps" });
  context.checkTensor(FILE, `${name}.latents_final`, { actual: latents, tolerance });
  const number = (part: keyof Variant, actual: number | readonly number[], within: Tolerance) =>
    checkNumbers(context, { name, variant, part }, { actual, tolerance: within });
  number("timesteps_used", timesteps, SCHEDULE);
  number("final_absmax", latents.abs().amax().item(), tolerance);
  number("final_std", latents.std(null, { correction: 1 }).item(), tolerance);
}

function checkSchedule(
  context: ParityContext,
  { name, variant, plan }: { name: string; variant: Variant; plan: Plan },
): void {
  const number = (part: keyof Variant, actual: number | readonly number[]) =>
    checkNumbers(context, { name, variant, part }, { actual, tolerance: SCHEDULE });
  number("timesteps", timestepsOf(plan));
  number("sigmas", sigmasOf(plan));
  number("init_noise_sigma", plan.initNoiseSigma);
}

/** What a variant starts from: noise of unit variance, or a picture with its noise and the posterior's. */
function startOf({ folder, model }: ParityContext, name: string, { args }: Variant): TextToImageOptions {
  const input = (part: string) => folder.input(FILE, `${name}.${part}`);
  const factor = vaeFactor(model.vae.config);
  if (args.strength === undefined) {
    const latents = input("latents_init");
    return { ...optionsOf(args, { height: latents.size(2) * factor, width: latents.size(3) * factor }), latents };
  }
  const image = input("image01");
  const posterior = model.vae.encode(image.mul(2).sub(1));
  const latents = sampleLatents(posterior, model.vae.config.scalingFactor, { noise: input("posterior_noise") });
  return {
    ...optionsOf(args, { height: image.size(2), width: image.size(3) }),
    image: { latents, strength: args.strength, noise: input("init_noise") },
  };
}

/** Decodes the stored latents, so that only the decoder's own error counts. */
function checkDecoded(context: ParityContext, name: string, variant: Variant): void {
  const { folder, model } = context;
  const stored = folder.tensors(FILE).has(`${name}.decoded_raw`);
  if (!stored && variant.decoded_absmax == null) return;
  const actual = model.vae.decode(folder.input(FILE, `${name}.latents_final`));
  if (stored) context.checkTensor(FILE, `${name}.decoded_raw`, { actual, tolerance: DECODED });
  checkNumbers(
    context,
    { name, variant, part: "decoded_absmax" },
    { actual: actual.abs().amax().item(), tolerance: DECODED },
  );
}
