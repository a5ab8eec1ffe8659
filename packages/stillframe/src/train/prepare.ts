import { availableParallelism, homedir } from "node:os";
import { join } from "node:path";
import { type Sdxl, tokenizePrompts, vaeFactor } from "@stillframe/diffusion";
import type { TrainEvent, TrainOptions } from "@stillframe/schema";
import { mapConcurrently } from "../data/index.js";
import { checkTargetSides, type Target } from "./buckets.js";
import { CaptionEncoder, piecesOf } from "./captions.js";
import { type Cut, cutOf, type Pixels } from "./cut.js";
import { interpolationOf, LatentEncoder, type LatentPosterior } from "./latents.js";
import { PicturePool } from "./picture-pool.js";
import { type RegionWeights, regionWeights } from "./region-weights.js";
import { entryKey, ShardCache } from "./shard-cache.js";
import type { PlannedStep, Showing } from "./step-plan.js";
import type { MicroBatch } from "./train-step.js";
import type { TrainingPicture } from "./training-set.js";

/** Places that a picture is cropped from when its latents are cached and the crop is random. */
export const CACHED_CROPS = 4;
/** Pictures in work for each thread: one is being read while another waits, so that no thread waits for the encoder. */
const AHEAD_PER_THREAD = 2;

/** Where caches are kept between runs. */
export const cacheFolder = (options: Pick<TrainOptions, "cache_dir">): string =>
  options.cache_dir ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "stillframe");

/** How each picture is shown: its place in the plan made into sizes and offsets. */
export interface Cutting {
  seed: number;
  centre: boolean;
  targetOf: (picture: number) => Target;
}

export const cutFor = (
  picture: TrainingPicture,
  s: Pick<Showing, "picture" | "flipped" | "crop">,
  { seed, centre, targetOf }: Cutting,
): Cut => cutOf(picture, { target: targetOf(s.picture), flipped: s.flipped, crop: s.crop, seed, centre });

/** The models that encode pictures and captions. */
export type EncoderModels = Pick<Sdxl, "vae" | "textEncoders" | "tokenizers">;

/** The options that decide how pictures and captions are encoded. */
export type EncodingOptions = Pick<
  TrainOptions,
  | "aspect_ratio_buckets"
  | "bucket_step"
  | "cache_dir"
  | "cache_latents"
  | "dataloader_num_workers"
  | "image_interpolation_mode"
  | "max_token_length"
  | "resolution"
  | "train_text_encoder"
  | "vae_tiling"
>;

export interface BatchSourceOptions {
  options: EncodingOptions;
  cutting: Cutting;
  /** a hash of the VAE's weights and of how it computes */
  vaeKey: string;
  /** a hash of the text encoders' weights and of how they compute */
  encodersKey: string;
  /** what a region without a weight of its own counts in the loss; null to count all places alike */
  regionWeight?: number | null;
}

/** A picture as it is cut. */
interface CutPicture {
  picture: TrainingPicture;
  cut: Cut;
}

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
  private readonly pool: PicturePool;
  private readonly workers: number;
  private readonly regionWeight: number | null;
  /** pixels that are being read for the next step */
  private ahead = new Map<string, Promise<Pixels | null>>();

  /** @throws InvalidArgumentError when the sizes leave parts of latents over */
  constructor(
    model: EncoderModels,
    pictures: readonly TrainingPicture[],
    { options, cutting, vaeKey, encodersKey, regionWeight = null }: BatchSourceOptions,
  ) {
    checkTargetSides(options, vaeFactor(model.vae.config));
    const folder = cacheFolder(options);
    this.model = model;
    this.regionWeight = regionWeight;
    this.pictures = pictures;
    this.cached = options.cache_latents;
    // cached crops are the same for every seed, so that another run finds them
    this.cutting = this.cached ? { ...cutting, seed: 0 } : cutting;
    this.pieces = piecesOf(options.max_token_length);
    this.workers = options.dataloader_num_workers || availableParallelism();
    this.pool = new PicturePool(this.workers);
    const open = (kind: string, key: string) => new ShardCache(join(folder, kind, entryKey(key)));
    const latentCache = this.cached ? open("latents", vaeKey) : null;
    const captionCache = options.train_text_encoder ? null : open("captions", encodersKey);
    this.caches = [latentCache, captionCache].filter((c) => c !== null);
    this.latents = new LatentEncoder(model.vae, {
      cache: latentCache,
      vaeKey,
      interpolation: interpolationOf(options),
      tiling: options.vae_tiling,
      pool: this.pool,
    });
    this.captions =
      captionCache && new CaptionEncoder(model, { cache: captionCache, encodersKey, pieces: this.pieces });
  }

  /** The caption that a picture is shown with. */
  captionOf({ picture, caption, dropCaption }: Showing): string {
    return dropCaption ? "" : (this.picture(picture).captions[caption] as string);
  }
  private picture(i: number): TrainingPicture {
    return this.pictures[i] as TrainingPicture;
  }
  private cut(s: Showing): CutPicture {
    const picture = this.picture(s.picture);
    return { picture, cut: cutFor(picture, s, this.cutting) };
  }

  /**
   * Encodes what `steps` will show and the caches lack. Ended early, it keeps what it has made. A damaged shard is told
   * as a warning, and made again.
   */
  async *encode(steps: Iterable<Pick<PlannedStep, "batches">>): AsyncGenerator<TrainEvent, void> {
    for (const c of this.caches) c.refresh();
    // several crops of a picture that has nothing to spare are one
    const cuts = new Map<string, CutPicture>();
    const variants = new Set<string>();
    const texts = new Set<string>();
    for (const { batches } of steps)
      for (const s of batches.flat()) {
        texts.add(this.captionOf(s));
        const variant = `${s.picture} ${s.flipped} ${s.crop}`;
        if (!this.cached || variants.has(variant)) continue;
        variants.add(variant);
        const cut = this.cut(s);
        cuts.set(this.latents.key(cut.picture, cut.cut), cut);
      }
    let whole = false;
    try {
      yield* this.encodeCaptions([...texts]);
      this.flush();
      yield* this.encodePictures([...cuts.values()]);
      whole = true;
    } finally {
      // reached as well when something fails, and when whoever takes the events stops
      if (whole) this.flush();
      else this.tryFlush();
      await this.pool.close();
    }
  }

  private flush(): void {
    for (const c of this.caches) c.flush();
  }

  /** For a failure, which says more than that the cache cannot be written either. */
  private tryFlush(): void {
    try {
      this.flush();
    } catch {
      // the failure that led here is what is thrown
    }
  }

  private *damages(): Iterable<TrainEvent> {
    for (const cache of this.caches)
      for (const { file, reason } of cache.takeDamaged())
        yield { type: "warning", message: `${file} was damaged (${reason}); what was in it is made again` };
  }

  private async *encodeCaptions(texts: readonly string[]): AsyncGenerator<TrainEvent, void> {
    const { captions } = this;
    if (captions === null) return;
    const missing = texts.filter((text) => !captions.has(text));
    yield* this.damages();
    const total = texts.length;
    let done = total - missing.length;
    yield { type: "preparing", stage: "encode_captions", done, total };
    for (const text of missing) {
      captions.encode(text);
      done += 1;
      yield { type: "preparing", stage: "encode_captions", done, total };
    }
  }

  private async *encodePictures(cuts: readonly CutPicture[]): AsyncGenerator<TrainEvent, void> {
    const missing = cuts.filter(({ picture, cut }) => !this.latents.has(picture, cut));
    yield* this.damages();
    const total = cuts.length;
    let done = total - missing.length;
    if (total > 0) yield { type: "preparing", stage: "encode_pictures", done, total };
    const read = async (m: CutPicture) => ({ ...m, pixels: await this.latents.read(m.picture, m.cut) });
    const concurrency = Math.min(1024, this.workers * AHEAD_PER_THREAD);
    for await (const { picture, cut, pixels } of mapConcurrently(missing, read, { concurrency })) {
      this.latents.encode(picture, cut, pixels);
      done += 1;
      yield { type: "preparing", stage: "encode_pictures", done, total };
    }
  }

  /**
   * The micro-batches of a step. Without a cache this reads and encodes its pictures.
   *
   * @param next the batches of the step after, whose pictures are read while this one computes
   */
  async batches(
    planned: readonly (readonly Showing[])[],
    next: readonly (readonly Showing[])[] = [],
  ): Promise<{ batches: MicroBatch[]; dispose: () => void }> {
    const cuts = planned.map((showings) => showings.map((s) => this.cut(s)));
    const pixels = await Promise.all(cuts.map((row) => Promise.all(row.map((c) => this.take(c)))));
    this.readAhead(next);
    this.fill(planned, cuts, pixels);
    const owned: LatentPosterior[] = [];
    const batches = planned.map((showings, i): MicroBatch => {
      const row = cuts[i] as CutPicture[];
      const posteriors = row.map((c, k) => this.latents.encode(c.picture, c.cut, pixels[i]?.[k] ?? null));
      if (!this.cached) owned.push(...posteriors);
      return {
        posteriors,
        timeIds: row.map(timeIds),
        ...this.regions(row),
        prompts: this.prompts(showings),
        names: row.map((c) => c.picture.name),
      };
    });
    const dispose = () => {
      for (const t of owned.flatMap((p) => [p.mean, p.std])) t.dispose();
      for (const { prompts } of batches)
        if ("ids" in prompts) for (const t of [prompts.ids.one, prompts.ids.two]) t.dispose();
    };
    return { batches, dispose };
  }

  /** Nothing where no picture has regions: all places count alike then. */
  private regions(row: readonly CutPicture[]): { regions?: RegionWeights[] } {
    const { regionWeight: weight } = this;
    if (weight === null || row.every(({ picture }) => picture.regions.length === 0)) return {};
    const factor = vaeFactor(this.model.vae.config);
    return { regions: row.map(({ picture, cut }) => regionWeights(picture, cut, { weight, factor })) };
  }

  private prompts(showings: readonly Showing[]): MicroBatch["prompts"] {
    const texts = showings.map((s) => this.captionOf(s));
    const { captions } = this;
    if (captions === null) return { ids: tokenizePrompts(this.model, texts, { chunks: this.pieces }) };
    return { embeddings: texts.map((t) => captions.encode(t)) };
  }

  /** Writes what a step shows that `encode` was not told of, so that nothing moves while the step uses it. */
  private fill(
    planned: readonly (readonly Showing[])[],
    cuts: readonly (readonly CutPicture[])[],
    pixels: readonly (readonly (Pixels | null)[])[],
  ): void {
    if (this.cached)
      for (const [i, row] of cuts.entries())
        for (const [k, { picture, cut }] of row.entries()) this.latents.encode(picture, cut, pixels[i]?.[k] ?? null);
    for (const s of planned.flat()) this.captions?.encode(this.captionOf(s));
    this.flush();
  }

  /** Pixels of a picture, read already or now. */
  private take({ picture, cut }: CutPicture): Promise<Pixels | null> {
    const key = this.latents.key(picture, cut);
    const known = this.ahead.get(key) ?? this.latents.read(picture, cut);
    this.ahead.delete(key);
    return known;
  }

  private readAhead(next: readonly (readonly Showing[])[]): void {
    const ahead = new Map<string, Promise<Pixels | null>>();
    for (const c of next.flat().map((s) => this.cut(s))) {
      const key = this.latents.key(c.picture, c.cut);
      if (this.latents.has(c.picture, c.cut) || ahead.has(key)) continue;
      const pixels = this.ahead.get(key) ?? this.latents.read(c.picture, c.cut);
      // a failure is seen when its step comes; until then it must not count as unhandled
      pixels.catch(() => {});
      ahead.set(key, pixels);
    }
    this.ahead = ahead;
  }

  /** Frees the caches' memory and ends the threads. */
  dispose(): void {
    for (const c of this.caches) c.dispose();
    void this.pool.close();
  }
}

/** The UNet's size conditions: original height and width, top and left of the crop, height and width of the cut. */
const timeIds = ({ picture: { width, height }, cut: { top, left, target } }: CutPicture): number[] => [
  height,
  width,
  top,
  left,
  ...target,
];

/** Crops of each picture that the plan distinguishes. */
export const cropsOf = (options: Pick<TrainOptions, "center_crop" | "cache_latents">): number =>
  options.center_crop ? 1 : options.cache_latents ? CACHED_CROPS : Number.MAX_SAFE_INTEGER;
