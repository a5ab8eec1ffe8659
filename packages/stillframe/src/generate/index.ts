import { randomInt } from "node:crypto";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  applyLora,
  disposeLora,
  disposeSdxl,
  layerPaths,
  loadSdxl,
  loraParts,
  readLora,
  type Sdxl,
  setLoraMultiplier,
  vaeFactor,
} from "@stillframe/diffusion";
import {
  type GenerateEvent,
  type GenerateOptions,
  type GenerateOptionsInput,
  parseGenerateOptions,
} from "@stillframe/schema";
import { invalid } from "@stillframe/torch";
import { withoutPrefix, withPrefix } from "../evaluate/run/prompts.js";
import { ADAPTER_FILE } from "../files/result-files.js";
import { writeWhole } from "../files/write-whole.js";
import { piecesOf } from "../train/captions.js";
import { resolvePrecision, roundWeights } from "../train/precision.js";
import { type Column, columnsOf } from "./columns.js";
import { contactSheet, type SheetRow } from "./contact-sheet.js";
import { type Drawing, drawPicture } from "./draw.js";
import { writePng } from "./png.js";
import { samplerNamed } from "./samplers.js";

/** What a generation leaves. */
export interface GenerateResult {
  pictures: { path: string; prompt: string; seed: number; side: "base" | "lora"; scale: number; label: string }[];
  contactSheet: string | null;
  interrupted: boolean;
}

/** The adapter's file: the one given, or the one in a run's (or checkpoint's) folder. */
export function adapterFile(lora: string): string {
  if (!existsSync(lora)) throw invalid("lora", "a safetensors file, or the folder of a run with one", lora);
  if (!statSync(lora).isDirectory()) return lora;
  const file = join(lora, ADAPTER_FILE);
  if (!existsSync(file)) throw invalid("lora", `a folder with ${ADAPTER_FILE} in it`, lora);
  return file;
}

/** Loads the model of a generation, with its adapter. */
export function loadForGeneration(options: GenerateOptions): { model: Sdxl; device: string; dtype: string } {
  const precision = resolvePrecision(options);
  const model = loadSdxl(options.pretrained_model_name_or_path, {
    variant: options.variant ?? undefined,
    dtype: precision.compute,
    vaeDtype: precision.vae,
    vae: options.pretrained_vae_model_name_or_path ?? undefined,
    device: precision.device,
    frozen: true,
  });
  for (const part of [model.unet, ...model.textEncoders]) roundWeights(part, precision);
  if (options.lora !== null) putOnAdapter(model, adapterFile(options.lora));
  return { model, device: precision.device, dtype: precision.weights };
}

/** Reads an adapter's file and wraps the layers that it touches. */
export function putOnAdapter(model: Sdxl, file: string): void {
  const adapter = readLora(file, { paths: layerPaths(model), unet: model.unet.config });
  try {
    applyLora(loraParts(model), adapter, { source: file });
  } finally {
    disposeLora(adapter);
  }
}

/** The options that say how a picture is drawn, whatever it shows. */
type DrawingOptions = Pick<
  GenerateOptions,
  | "negative_prompt"
  | "height"
  | "width"
  | "steps"
  | "guidance_scale"
  | "guidance_rescale"
  | "scheduler"
  | "max_token_length"
  | "vae_tiling"
>;

/** One picture to be drawn; its size is the model's own unless the options say. */
export function drawingOf(model: Sdxl, o: DrawingOptions, own: { prompt: string; seed: number }): Drawing {
  const side = model.unet.config.sampleSize * vaeFactor(model.vae.config);
  const { sampler, schedule } = samplerNamed(o.scheduler, model.scheduler);
  return {
    ...own,
    negativePrompt: o.negative_prompt,
    height: o.height ?? side,
    width: o.width ?? side,
    steps: o.steps,
    guidanceScale: o.guidance_scale,
    guidanceRescale: o.guidance_rescale,
    sampler,
    schedule,
    pieces: piecesOf(o.max_token_length),
    vaeTiling: o.vae_tiling,
  };
}

/** What a prompt asks for in words of its own, and with the prefix if there is one. */
interface Wanted {
  readonly prompt: string;
  readonly bare: string;
  readonly seed: number;
}

function wantedOf({ prompt, prefix, num_images }: GenerateOptions, seed: number): Wanted[] {
  return prompt.flatMap((text, p) =>
    Array.from({ length: num_images }, (_, i) => ({
      prompt: prefix === null ? text : withPrefix(text, prefix),
      bare: prefix === null ? text : withoutPrefix(text, prefix),
      seed: seed + p * num_images + i,
    })),
  );
}

/** The text that generators put into their pictures, in the form that most programs read. */
export function parametersText(
  d: Drawing,
  { scheduler, model, lora }: { scheduler: string; model: string; lora: string | null },
): string {
  const negative = d.negativePrompt === null ? "" : `Negative prompt: ${d.negativePrompt}\n`;
  const rescale = d.guidanceRescale > 0 ? `, Guidance rescale: ${d.guidanceRescale}` : "";
  const adapter = lora === null ? "" : `, Lora: ${lora}`;
  return `${d.prompt}\n${negative}Steps: ${d.steps}, Sampler: ${scheduler}, CFG scale: ${d.guidanceScale}${rescale}, Seed: ${d.seed}, Size: ${d.width}x${d.height}, Model: ${model}${adapter}, Version: stillframe`;
}

const fileName = (index: number, seed: number, column: Column | null): string =>
  `${String(index).padStart(4, "0")}-seed-${seed}${column === null ? "" : `-${column.file}`}.png`;

/** Rows of the contact sheet: one for each prompt; where pictures are compared, one for each prompt and seed. */
function sheetRows(
  { output_dir, num_images }: GenerateOptions,
  drawn: readonly { wanted: Wanted; pictures: GenerateResult["pictures"] }[],
): SheetRow[] {
  const compared = drawn.some(({ pictures }) => pictures.length > 1);
  const each = compared ? 1 : num_images;
  const rows = drawn.filter((_, i) => i % each === 0);
  return rows.map(({ wanted }, row) => ({
    heading: compared ? `${wanted.prompt} · seed ${wanted.seed}` : wanted.prompt,
    cells: drawn
      .slice(row * each, (row + 1) * each)
      .flatMap(({ pictures }) => pictures)
      .map(({ path, seed, label }) => ({
        picture: join(output_dir, path),
        label: compared ? label : `seed ${seed}`,
      })),
  }));
}

/**
 * Makes pictures. Each depends on its own seed alone. With `compare`, `lora_scales` and `prefix` each is drawn several
 * times from the same noise: without the LoRA, with it at each strength, and with it but without the prefix.
 *
 * @throws OptionsError, InvalidArgumentError, FileFormatError, WeightsError on what it was given
 * @throws NotFiniteError when a picture is NaN
 */
export async function* generate(
  input: GenerateOptionsInput,
  { signal }: { signal?: AbortSignal } = {},
): AsyncGenerator<GenerateEvent, GenerateResult> {
  const options = parseGenerateOptions(input as Record<string, unknown>);
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const { model, device, dtype } = loadForGeneration(options);
  try {
    mkdirSync(options.output_dir, { recursive: true });
    const all = wantedOf(options, options.seed ?? randomInt(2 ** 32));
    const columns = columnsOf(options);
    yield {
      type: "generation_started",
      output_dir: options.output_dir,
      device,
      dtype,
      pictures: all.length * columns.length,
      steps: options.steps,
    };
    const pictures: GenerateResult["pictures"] = [];
    for (const warning of cutWarnings(model, { ...options, prompt: all.map(({ prompt }) => prompt) }))
      yield { type: "warning", message: warning };
    for (const [i, wanted] of all.entries())
      for (const column of columns) {
        const path = fileName(i, wanted.seed, columns.length > 1 ? column : null);
        const drawn = yield* drawOne(model, options, { wanted, column, path, index: pictures.length, signal });
        if (!drawn) {
          yield { type: "generation_interrupted", pictures: pictures.length, seconds: seconds() };
          return { pictures, contactSheet: null, interrupted: true };
        }
        const { side, scale, label, bare } = column;
        const picture = { path, prompt: bare ? wanted.bare : wanted.prompt, seed: wanted.seed, side, scale, label };
        pictures.push(picture);
        yield { type: "picture", picture: pictures.length - 1, ...picture };
      }
    const sheet = "contact-sheet.png";
    const n = columns.length;
    const drawn = all.map((wanted, i) => ({ wanted, pictures: pictures.slice(i * n, (i + 1) * n) }));
    const cell = cellSize(drawingOf(model, options, { prompt: "", seed: 0 }));
    writeWhole(join(options.output_dir, sheet), await contactSheet(sheetRows(options, drawn), { cell }));
    yield { type: "contact_sheet", path: sheet };
    yield { type: "generation_finished", pictures: pictures.length, seconds: seconds() };
    return { pictures, contactSheet: sheet, interrupted: false };
  } finally {
    disposeSdxl(model);
  }
}

/** Draws one picture in one way, and writes it; false when the signal ended it. */
async function* drawOne(
  model: Sdxl,
  options: GenerateOptions,
  {
    wanted,
    column,
    path,
    index,
    signal,
  }: { wanted: Wanted; column: Column; path: string; index: number; signal: AbortSignal | undefined },
): AsyncGenerator<GenerateEvent, boolean> {
  const { steps } = options;
  for (const part of [model.unet, ...model.textEncoders]) setLoraMultiplier(part, column.scale);
  const prompt = column.bare ? wanted.bare : wanted.prompt;
  const drawing = drawingOf(model, options, { prompt, seed: wanted.seed });
  const run = drawPicture(model, drawing, { signal });
  let next = await run.next();
  for (; !next.done; next = await run.next())
    yield { type: "denoised", picture: index, step: Math.min(next.value, steps), steps };
  if (next.value === null) return false;
  const text = parametersText(drawing, {
    scheduler: options.scheduler,
    model: options.pretrained_model_name_or_path,
    lora: column.side === "lora" ? `${options.lora}:${column.scale}` : null,
  });
  await writePng(join(options.output_dir, path), next.value, { parameters: text });
  return true;
}

/** Small pictures are shown at a whole multiple of their size. */
const cellSize = ({ height, width }: Drawing): number => {
  const side = Math.max(height, width);
  return Math.min(384, side * Math.ceil(160 / side));
};

function cutWarnings(
  model: Sdxl,
  {
    prompt,
    negative_prompt,
    max_token_length,
  }: Pick<GenerateOptions, "prompt" | "negative_prompt" | "max_token_length">,
): string[] {
  const limit = piecesOf(max_token_length) * 75;
  return [...new Set([...prompt, negative_prompt ?? ""])].flatMap((text) => {
    const n = model.tokenizers[0].tokenize(text).length;
    return n > limit
      ? [`a prompt has ${n} tokens and is cut after ${limit}; --max_token_length=${n <= 150 ? 150 : 225} takes more`]
      : [];
  });
}
