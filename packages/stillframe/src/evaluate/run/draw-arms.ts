import { readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { disposeSdxl, removeLora, type Sdxl, setLoraMultiplier } from "@stillframe/diffusion";
import { type EvaluateEvent, type EvaluateOptions, parseGenerateOptions } from "@stillframe/schema";
import { drawPicture } from "../../generate/draw.js";
import { drawingOf, loadForGeneration, parametersText, putOnAdapter } from "../../generate/index.js";
import { writePng } from "../../generate/png.js";
import type { ModelFolder } from "../../prepare/model-folder.js";
import { fileSha256 } from "../../train/file-hash.js";
import type { Expected } from "../recognition.js";
import { type Arm, folderName } from "./arms.js";
import { isKept, KEY_TEXT, pictureKey } from "./kept-picture.js";
import type { Prompt } from "./prompts.js";

/** An arm with its pictures, in the order of prompts and, for each prompt, of seeds. */
export interface ArmPictures {
  readonly arm: Arm;
  /** Relative to the output folder. */
  readonly folder: string;
  readonly paths: readonly string[];
  readonly seeds: readonly number[] | null;
  /** What each picture was asked to show, without prefix and style words; null where that is not known. */
  readonly asked: readonly string[] | null;
  /** The same as answers to questions; null where no prompt says them. */
  readonly expected: readonly (Expected | null)[] | null;
}

/** The pictures that an arm will have, drawn or not. */
export function plannedPictures(
  arm: Arm,
  asked: readonly Prompt[],
  { output_dir, num_images, seed }: Pick<EvaluateOptions, "output_dir" | "num_images" | "seed">,
): ArmPictures {
  const folder = join("pictures", folderName(arm.name));
  const seeds = Array.from({ length: asked.length * num_images }, (_, i) => seed + i);
  return {
    arm,
    folder,
    paths: seeds.map((s, i) => join(output_dir, folder, `${String(i).padStart(5, "0")}-seed-${s}.png`)),
    seeds,
    ...askedOf(seeds.map((_, i) => asked[Math.floor(i / num_images)] as Prompt)),
  };
}

/** What pictures were asked to show, by their prompts. */
export function askedOf(prompts: readonly Prompt[]): Pick<ArmPictures, "asked" | "expected"> {
  const expected = prompts.map((p) => p.expected);
  return { asked: prompts.map((p) => p.text), expected: expected.some((e) => e !== null) ? expected : null };
}

/** The models that arms draw with. */
export interface ArmModels {
  readonly base: ModelFolder;
  readonly vae: ModelFolder | null;
  /** Others, by the names that arms have for them. */
  readonly others: ReadonlyMap<string, ModelFolder>;
}

interface DrawOptions {
  readonly options: EvaluateOptions;
  readonly models: ArmModels;
  readonly signal: AbortSignal | undefined;
}

/**
 * Draws every picture that is not there whole already, arm by arm. All arms share prompts, seeds, sampler, steps, VAE,
 * precision and size; what differs is the adapter and the words around the prompt.
 *
 * @throws NotFiniteError, FileFormatError; the signal's reason when it ends the work
 */
export async function* drawArms(arms: readonly ArmPictures[], given: DrawOptions): AsyncGenerator<EvaluateEvent, void> {
  const painter = new Painter(given);
  const pictures = arms.reduce((sum, arm) => sum + arm.paths.length, 0);
  let picture = 0;
  try {
    for (const set of arms) {
      const adapterHash = set.arm.adapter === null ? null : await fileSha256(set.arm.adapter);
      for (const [i, path] of set.paths.entries()) {
        given.signal?.throwIfAborted();
        const seed = set.seeds?.[i] as number;
        const prompt = set.arm.prompts[Math.floor(i / given.options.num_images)] as string;
        const { strength, model } = set.arm;
        const key = painter.keyOf({ prompt, seed, adapter: adapterHash, strength }, model);
        const kept = await isKept(path, key);
        const about = { arm: set.arm.name, picture, pictures };
        if (!kept)
          for await (const step of painter.draw(set.arm, { prompt, seed, path, key }))
            yield { type: "drawing", ...about, step, steps: given.options.steps };
        yield { type: "drawn", ...about, path: relative(given.options.output_dir, path), seed, kept };
        picture++;
      }
    }
  } finally {
    painter.dispose();
  }
}

/** Draws with one model at a time, loaded when the first picture needs it, and changes adapters on it. */
class Painter {
  private readonly given: DrawOptions;
  private readonly facts = new Map<string | null, unknown>();
  private loaded: { readonly name: string | null; readonly model: Sdxl } | null = null;
  private adapter: string | null = null;

  constructor(given: DrawOptions) {
    this.given = given;
  }

  private folderOf(name: string | null): ModelFolder {
    const { base, others } = this.given.models;
    return name === null ? base : (others.get(name) as ModelFolder);
  }

  /** What tells the files of a model from others. */
  private factsOf(name: string | null): unknown {
    const { vae } = this.given.models;
    const known =
      this.facts.get(name) ??
      [this.folderOf(name), vae].map((part) => part && { commit: part.commit, files: filesOf(part.path) });
    this.facts.set(name, known);
    return known;
  }

  /** A hash of all that the picture depends on. */
  keyOf(own: { prompt: string; seed: number; adapter: string | null; strength: number }, model: string | null): string {
    const { options: o } = this.given;
    const { negative_prompt, max_token_length, width, height, scheduler, steps, guidance_scale, guidance_rescale } = o;
    const { variant, mixed_precision, device, vae_tiling } = o;
    const shared = { negative_prompt, max_token_length, width, height, scheduler, steps, guidance_scale };
    const place = { guidance_rescale, variant, mixed_precision, device, vae_tiling, base: this.factsOf(model) };
    return pictureKey({ ...own, ...shared, ...place });
  }

  async *draw(
    arm: Arm,
    { prompt, seed, path, key }: { prompt: string; seed: number; path: string; key: string },
  ): AsyncGenerator<number, void> {
    const { options: o, signal } = this.given;
    const model = this.prepared(arm);
    const drawing = drawingOf(model, o, { prompt, seed });
    const run = drawPicture(model, drawing, { signal });
    let next = await run.next();
    for (; !next.done; next = await run.next()) yield Math.min(next.value, o.steps);
    signal?.throwIfAborted();
    if (next.value === null) return;
    const text = parametersText(drawing, {
      scheduler: o.scheduler,
      model: arm.model ?? (o.pretrained_model_name_or_path as string),
      lora: arm.adapter === null ? null : `${arm.name}:${arm.strength}`,
    });
    await writePng(path, next.value, { parameters: text, [KEY_TEXT]: key });
  }

  dispose(): void {
    if (this.loaded !== null) disposeSdxl(this.loaded.model);
    this.loaded = null;
    this.adapter = null;
  }

  /** The arm's model with the arm's adapter on it, and no other. */
  private prepared(arm: Arm): Sdxl {
    if (this.loaded?.name !== arm.model) this.dispose();
    this.loaded ??= { name: arm.model, model: this.load(arm.model) };
    const { model } = this.loaded;
    if (arm.adapter !== this.adapter) {
      if (this.adapter !== null) for (const part of partsOf(model)) removeLora(part);
      if (arm.adapter !== null) putOnAdapter(model, arm.adapter);
      this.adapter = arm.adapter;
    }
    for (const part of partsOf(model)) setLoraMultiplier(part, arm.strength);
    return model;
  }

  private load(name: string | null): Sdxl {
    const { options: o, models } = this.given;
    const generation = parseGenerateOptions({
      pretrained_model_name_or_path: this.folderOf(name).path,
      pretrained_vae_model_name_or_path: models.vae?.path ?? null,
      variant: name === null ? o.variant : null,
      prompt: ["none"],
      device: o.device,
      mixed_precision: o.mixed_precision,
    });
    return loadForGeneration(generation).model;
  }
}

const partsOf = (model: Sdxl) => [model.unet, ...model.textEncoders];

/**
 * Names, sizes and times of a model's files: what tells a model that was changed from one that was not, without reading
 * ten gigabytes. A change that leaves all three alike is not seen.
 */
function filesOf(path: string): readonly (readonly [name: string, bytes: number, time: number])[] {
  const of = (file: string, name: string) => {
    const { size, mtimeMs } = statSync(file);
    return [name, size, Math.round(mtimeMs)] as const;
  };
  if (!statSync(path).isDirectory()) return [of(path, "")];
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(safetensors|json|txt)$/.test(name))
    .sort()
    .map((name) => of(join(path, name), name));
}
