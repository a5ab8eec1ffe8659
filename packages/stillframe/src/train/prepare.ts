import { homedir } from "node:os";
import { join } from "node:path";
import { type Sdxl, tokenizePrompts } from "@stillframe/diffusion";
import type { TrainEvent, TrainOptions } from "@stillframe/schema";
import { mapConcurrently } from "../data/index.js";
import { CaptionEncoder, piecesOf } from "./captions.js";
import { type Cut, cutOf, interpolationOf, LatentEncoder } from "./latents.js";
import { entryKey, ShardCache } from "./shard-cache.js";
import type { PlannedStep, Showing } from "./step-plan.js";
import type { MicroBatch } from "./train-step.js";
import type { TrainingPicture } from "./training-set.js";

/** Places that a picture is cropped from when its latents are cached and the crop is random. */
export const CACHED_CROPS = 4;
/** Pictures that are read ahead of the encoder. */
const READ_AHEAD = 8;

/** Where caches are kept between runs. */
export const cacheFolder = (options: Pick<TrainOptions, "cache_dir">): string =>
  options.cache_dir ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "stillframe");

/** How each picture is shown: its place in the plan made into sizes and offsets. */
export interface Cutting {
  seed: number;
  centre: boolean;
  targetOf: (picture: number) => readonly [number, number];
}

export const cutFor = (picture: TrainingPicture, s: Pick<Showing, "picture" | "flipped" | "crop">, { seed, centre, targetOf }: Cutting): Cut =>
  cutOf(picture, { target: targetOf(s.picture), flipped: s.flipped, crop: s.crop, seed, index: s.picture, centre });

/** The models that encode pictures and captions. */
export type EncoderModels = Pick<Sdxl, "vae" | "textEncoders" | "tokenizers">;

/** Everything that micro-batches are made from. */
export class BatchSource {
  readonly latents: LatentEncoder;
  readonly captions: CaptionEncoder | null;
  private readonly pictures: readonly TrainingPicture[];
  private readonly model: EncoderModels;
  private readonly cutting: Cutting;
  private readonly cached: boolean;
  private readonly pieces: number;
  private readonly caches: ShardCache[];
  private readonly workers: number;

  constructor(model: EncoderModels, pictures: readonly TrainingPicture[], { options, cutting, vaeKey, encodersKey }: { options: TrainOptions; cutting: Cutting; vaeKey: string; encodersKey: string }) {
    const folder = cacheFolder(options);
    this.model = model;
    this.pictures = pictures;
    this.cutting = cutting;
    this.cached = options.cache_latents;
    this.pieces = piecesOf(options.max_token_length);
    this.workers = options.dataloader_num_workers || READ_AHEAD;
    const open = (kind: string, key: string) => new ShardCache(join(folder, kind, entryKey(key)));
    const latentCache = this.cached ? open("latents", vaeKey) : null;
    const captionCache = options.train_text_encoder ? null : open("captions", encodersKey);
    this.caches = [latentCache, captionCache].filter((c) => c !== null);
    this.latents = new LatentEncoder(model.vae, { cache: latentCache, vaeKey, interpolation: interpolationOf(options) });
    this.captions = captionCache && new CaptionEncoder(model, { cache: captionCache, encodersKey, pieces: this.pieces });
  }

  /** The caption that a picture is shown with. */
  captionOf({ picture, caption, dropCaption }: Showing): string {
    return dropCaption ? "" : (this.picture(picture).captions[caption] as string);
  }
  private picture(i: number): TrainingPicture {
    return this.pictures[i] as TrainingPicture;
  }

  /** Encodes what `steps` will show and the caches lack. */
  async *encode(steps: Iterable<PlannedStep>): AsyncGenerator<TrainEvent> {
    const cuts = new Map<string, { picture: TrainingPicture; cut: Cut }>();
    const texts = new Set<string>();
    for (const { batches } of steps)
      for (const s of batches.flat()) {
        const picture = this.picture(s.picture);
        const cut = cutFor(picture, s, this.cutting);
        if (this.cached) cuts.set(this.latents.key(picture, cut), { picture, cut });
        texts.add(this.captionOf(s));
      }
    yield* this.encodeCaptions(texts);
    yield* this.encodePictures([...cuts.values()]);
    for (const c of this.caches) c.flush();
  }

  private async *encodeCaptions(texts: ReadonlySet<string>): AsyncGenerator<TrainEvent> {
    const { captions } = this;
    if (captions === null) return;
    let done = 0;
    for (const text of texts) {
      const made = !captions.has(text);
      captions.encode(text);
      done += 1;
      if (made || done === texts.size) yield { type: "preparing", stage: "encode_captions", done, total: texts.size };
    }
  }

  private async *encodePictures(cuts: readonly { picture: TrainingPicture; cut: Cut }[]): AsyncGenerator<TrainEvent> {
    const missing = cuts.filter(({ picture, cut }) => !this.latents.has(picture, cut));
    const total = cuts.length;
    let done = total - missing.length;
    if (total > 0) yield { type: "preparing", stage: "encode_pictures", done, total };
    const pixels = mapConcurrently(missing, async (m) => ({ ...m, pixels: await this.latents.read(m.picture, m.cut) }), { concurrency: this.workers });
    for await (const { picture, cut, pixels: p } of pixels) {
      this.latents.encode(picture, cut, p);
      done += 1;
      yield { type: "preparing", stage: "encode_pictures", done, total };
    }
  }

  /** The micro-batches of a step. Without a cache this reads and encodes its pictures. */
  async batches(planned: readonly (readonly Showing[])[]): Promise<{ batches: MicroBatch[]; dispose: () => void }> {
    const owned: { mean: { dispose(): void }; std: { dispose(): void } }[] = [];
    const batches: MicroBatch[] = [];
    for (const showings of planned) {
      const cuts = showings.map((s) => cutFor(this.picture(s.picture), s, this.cutting));
      const pixels = await Promise.all(showings.map((s, i) => this.latents.read(this.picture(s.picture), cuts[i] as Cut)));
      const posteriors = showings.map((s, i) => this.latents.encode(this.picture(s.picture), cuts[i] as Cut, pixels[i] ?? null));
      if (!this.cached) owned.push(...posteriors);
      const texts = showings.map((s) => this.captionOf(s));
      const { captions } = this;
      batches.push({
        posteriors,
        timeIds: showings.map((s, i) => {
          const { width, height } = this.picture(s.picture);
          const { top, left, target } = cuts[i] as Cut;
          return [height, width, top, left, ...target];
        }),
        prompts: captions === null ? { ids: tokenizePrompts(this.model, texts, { chunks: this.pieces }) } : { embeddings: texts.map((t) => captions.encode(t)) },
        names: showings.map((s) => this.picture(s.picture).name),
      });
    }
    const dispose = () => {
      for (const p of owned) {
        p.mean.dispose();
        p.std.dispose();
      }
      for (const b of batches)
        if ("ids" in b.prompts) {
          b.prompts.ids.one.dispose();
          b.prompts.ids.two.dispose();
        }
    };
    return { batches, dispose };
  }

  dispose(): void {
    for (const c of this.caches) c.dispose();
  }
}

/** Crops of each picture that the plan distinguishes. */
export const cropsOf = (options: Pick<TrainOptions, "center_crop" | "cache_latents">): number =>
  options.center_crop ? 1 : options.cache_latents ? CACHED_CROPS : Number.MAX_SAFE_INTEGER;

