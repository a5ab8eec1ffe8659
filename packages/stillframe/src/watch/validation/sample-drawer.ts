import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import {
  LORA_PARTS,
  loraParts,
  ownSampler,
  type PromptEmbeddings,
  type Sdxl,
  setLoraMultiplier,
} from "@stillframe/diffusion";
import type { TrainEvent, TrainOptions } from "@stillframe/schema";
import { type Drawing, drawPicture, type Raster } from "../../generate/draw.js";
import { parametersText } from "../../generate/index.js";
import { writePng } from "../../generate/png.js";
import { piecesOf } from "../../train/captions.js";
import { derivedSeed } from "../../train/randomness.js";
import { samplePath, writeContactSheet } from "./sample-files.js";

/** SDXL's usual guidance, and the reference pipeline's. */
const GUIDANCE = 5;
/** Seeds are numbers that `generate --seed` takes and that people can type. */
const SEEDS = 2 ** 32;

/** A model's VAE for a while. */
export interface LentVae {
  vae: Sdxl["vae"];
  giveBack: () => void;
}

/** The validation prompt's embeddings, where the encoders are frozen. */
export interface SampleText {
  positive: PromptEmbeddings;
  negative: PromptEmbeddings | null;
}

export interface SampleDrawerOptions {
  options: TrainOptions;
  runFolder: string;
  seed: number;
  /** height and width of a picture */
  side: number;
  /** null where the encoders are trained, and encode anew each time */
  text: SampleText | null;
  /** the VAE is loaded for a validation where the run does without it */
  lendVae: () => LentVae;
}

/** Draws the validation pictures of a run: always the same noise, so that what changes is the model. */
export class SampleDrawer {
  readonly seeds: readonly number[];
  private readonly given: SampleDrawerOptions;

  constructor(given: SampleDrawerOptions) {
    this.given = given;
    const first = derivedSeed(given.seed, "validation") % SEEDS;
    this.seeds = Array.from({ length: given.options.num_validation_images }, (_, i) => (first + i) % SEEDS);
  }

  get prompt(): string {
    return this.given.options.validation_prompt as string;
  }

  /** The pictures of a step that are not there yet. */
  private missing(step: number): { index: number; seed: number; path: string }[] {
    const all = this.seeds.map((seed, index) => ({ seed, index, path: samplePath(step, { index, seed }) }));
    return all.filter(({ path }) => !existsSync(join(this.given.runFolder, path)));
  }

  isDone(step: number): boolean {
    return this.missing(step).length === 0;
  }

  /**
   * Draws the pictures of a step that are not there, then the sheet of all. Step 0 is the base model.
   *
   * @returns false when `signal` ended it
   * @throws NotFiniteError when latents or a picture are NaN or infinite
   */
  async *draw(
    model: Sdxl,
    { step, signal }: { step: number; signal: AbortSignal | undefined },
  ): AsyncGenerator<TrainEvent, boolean> {
    const { runFolder, side, options, lendVae } = this.given;
    const missing = this.missing(step);
    const { vae, giveBack } = lendVae();
    const parts = loraParts(model);
    const strength = (multiplier: number) => {
      for (const part of LORA_PARTS) setLoraMultiplier(parts[part], multiplier);
    };
    if (step === 0) strength(0);
    try {
      for (const [i, { seed, path }] of missing.entries()) {
        const drawing = this.drawing(model, seed);
        const raster = yield* this.progress(drawPicture({ ...model, vae }, drawing, { signal }), {
          step,
          before: i,
          pictures: missing.length,
        });
        if (raster === null) return false;
        await writePng(join(runFolder, path), raster, { parameters: this.parameters(drawing, { step, model }) });
        yield { type: "sample", step, path, prompt: this.prompt, seed };
      }
    } finally {
      if (step === 0) strength(1);
      giveBack();
    }
    await writeContactSheet(runFolder, { prompt: options.validation_prompt as string, seeds: this.seeds, side });
    return true;
  }

  private async *progress(
    run: AsyncGenerator<number, Raster | null, void>,
    { step, before, pictures }: { step: number; before: number; pictures: number },
  ): AsyncGenerator<TrainEvent, Raster | null> {
    const steps = this.given.options.validation_inference_steps;
    for (;;) {
      const { value, done } = await run.next();
      if (done) return value;
      yield {
        type: "validating",
        step,
        what: "pictures",
        done: before * steps + Math.min(value, steps),
        total: pictures * steps,
      };
    }
  }

  private drawing(model: Sdxl, seed: number): Drawing {
    const { options, side, text } = this.given;
    return {
      prompt: this.prompt,
      negativePrompt: null,
      ...(text === null ? {} : { embeddings: text }),
      seed,
      height: side,
      width: side,
      steps: options.validation_inference_steps,
      guidanceScale: GUIDANCE,
      guidanceRescale: 0,
      ...ownSampler(model),
      pieces: piecesOf(options.max_token_length),
      vaeTiling: options.vae_tiling,
    };
  }

  private parameters(drawing: Drawing, { step, model }: { step: number; model: Sdxl }): string {
    const { options } = this.given;
    const trained = step === 0 ? null : `${basename(options.output_dir)} step ${step}`;
    return parametersText(drawing, {
      scheduler: model.scheduler.className,
      model: basename(options.pretrained_model_name_or_path),
      lora: trained,
    });
  }
}
