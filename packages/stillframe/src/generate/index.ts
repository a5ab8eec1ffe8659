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
import { ADAPTER_FILE } from "../files/result-files.js";
import { writeWhole } from "../files/write-whole.js";
import { piecesOf } from "../train/captions.js";
import { resolvePrecision, roundWeights } from "../train/precision.js";
import { contactSheet, type SheetRow } from "./contact-sheet.js";
import { type Drawing, drawPicture } from "./draw.js";
import { writePng } from "./png.js";
import { samplerNamed } from "./samplers.js";

/** What a generation leaves. */
export interface GenerateResult {
  pictures: { path: string; prompt: string; seed: number; side: "base" | "lora" }[];
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

function drawingsOf(model: Sdxl, options: GenerateOptions, seed: number): Drawing[] {
  return options.prompt.flatMap((prompt, p) =>
    Array.from({ length: options.num_images }, (_, i) =>
      drawingOf(model, options, { prompt, seed: seed + p * options.num_images + i }),
    ),
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

const fileName = (index: number, side: string, seed: number, both: boolean): string =>
  `${String(index).padStart(4, "0")}-seed-${seed}${both ? `-${side}` : ""}.png`;

/** Rows of the contact sheet: one for each prompt, base and LoRA side by side. */
function sheetRows(options: GenerateOptions, pictures: GenerateResult["pictures"]): SheetRow[] {
  return options.prompt.map((prompt) => ({
    heading: prompt,
    cells: pictures
      .filter((p) => p.prompt === prompt)
      .map((p) => ({
        picture: join(options.output_dir, p.path),
        label: `seed ${p.seed}${options.compare ? ` · ${p.side === "base" ? "base" : "LoRA"}` : ""}`,
      })),
  }));
}

/**
 * Makes pictures. Each depends on its own seed alone; with `compare` each is drawn twice from the same noise, without
 * the LoRA and with it.
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
    const drawings = drawingsOf(model, options, options.seed ?? randomInt(2 ** 32));
    const sides = options.compare ? (["base", "lora"] as const) : ([options.lora === null ? "base" : "lora"] as const);
    yield {
      type: "generation_started",
      output_dir: options.output_dir,
      device,
      dtype,
      pictures: drawings.length * sides.length,
      steps: options.steps,
    };
    const pictures: GenerateResult["pictures"] = [];
    for (const warning of cutWarnings(model, options)) yield { type: "warning", message: warning };
    for (const [i, drawing] of drawings.entries())
      for (const side of sides) {
        for (const part of [model.unet, ...model.textEncoders])
          setLoraMultiplier(part, side === "lora" ? options.lora_scale : 0);
        const run = drawPicture(model, drawing, { signal });
        let next = await run.next();
        for (; !next.done; next = await run.next())
          yield {
            type: "denoised",
            picture: pictures.length,
            step: Math.min(next.value, options.steps),
            steps: options.steps,
          };
        if (next.value === null) {
          yield { type: "generation_interrupted", pictures: pictures.length, seconds: seconds() };
          return { pictures, contactSheet: null, interrupted: true };
        }
        const path = fileName(i, side, drawing.seed, sides.length > 1);
        const text = parametersText(drawing, {
          scheduler: options.scheduler,
          model: options.pretrained_model_name_or_path,
          lora: side === "lora" ? `${options.lora}:${options.lora_scale}` : null,
        });
        await writePng(join(options.output_dir, path), next.value, { parameters: text });
        const picture = { path, prompt: drawing.prompt, seed: drawing.seed, side };
        pictures.push(picture);
        yield { type: "picture", picture: pictures.length - 1, ...picture };
      }
    const sheet = "contact-sheet.png";
    writeWhole(
      join(options.output_dir, sheet),
      await contactSheet(sheetRows(options, pictures), { cell: cellSize(drawings) }),
    );
    yield { type: "contact_sheet", path: sheet };
    yield { type: "generation_finished", pictures: pictures.length, seconds: seconds() };
    return { pictures, contactSheet: sheet, interrupted: false };
  } finally {
    disposeSdxl(model);
  }
}

const cellSize = (drawings: readonly Drawing[]): number =>
  Math.min(384, Math.max(160, ...drawings.map((d) => Math.max(d.height, d.width))));

function cutWarnings(model: Sdxl, options: GenerateOptions): string[] {
  const limit = piecesOf(options.max_token_length) * 75;
  return [...options.prompt, options.negative_prompt ?? ""].flatMap((text) => {
    const n = model.tokenizers[0].tokenize(text).length;
    return n > limit
      ? [`a prompt has ${n} tokens and is cut after ${limit}; --max_token_length=${n <= 150 ? 150 : 225} takes more`]
      : [];
  });
}
