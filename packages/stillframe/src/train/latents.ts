import { encodePictures, type Vae } from "@stillframe/diffusion";
import type { TrainOptions } from "@stillframe/schema";
import { noGrad, scope, type Tensor, tensor } from "@stillframe/torch";
import type { Interpolation } from "../data/index.js";
import type { Cut, Pixels } from "./cut.js";
import { NotFiniteError } from "./not-finite-error.js";
import type { PicturePool } from "./picture-pool.js";
import { entryKey, type ShardCache } from "./shard-cache.js";
import type { TrainingPicture } from "./training-set.js";

/** A distribution of latents, each `[1, 4, h, w]` in float32 on the CPU. */
export interface LatentPosterior {
  mean: Tensor;
  std: Tensor;
}

/** The name that torchvision's mode has in the data stage. */
export const interpolationOf = (options: Pick<TrainOptions, "image_interpolation_mode">): Interpolation =>
  options.image_interpolation_mode.replace("_", "-") as Interpolation;

export interface LatentEncoderOptions {
  /** null to encode anew each time */
  cache: ShardCache | null;
  /** a hash of the VAE's weights and of how it computes */
  vaeKey: string;
  interpolation: Interpolation;
  /** encode in overlapping tiles */
  tiling: boolean;
  /** the threads that read pictures */
  pool: PicturePool;
}

/** Encodes pictures one at a time, so that a latent does not depend on its neighbours, and remembers them. */
export class LatentEncoder {
  private readonly vae: Vae;
  private readonly options: LatentEncoderOptions;
  private readonly settings: readonly unknown[];

  constructor(vae: Vae, options: LatentEncoderOptions) {
    this.vae = vae;
    this.options = options;
    this.settings = ["latents", options.vaeKey, vae.config, options.tiling && "tiled", options.interpolation];
  }

  /** The name of a cut picture's posterior: a hash of its bytes, of the cut, and of all settings. */
  key({ sha256 }: TrainingPicture, cut: Cut): string {
    return entryKey(this.settings, sha256, [...cut.target, ...cut.resized, cut.top, cut.left], cut.flipped);
  }

  has(picture: TrainingPicture, cut: Cut): boolean {
    return this.options.cache?.has(this.key(picture, cut)) ?? false;
  }

  /** Pixels that `encode` will need; null when the cache has the latents. Reading may run ahead, in parallel. */
  async read(picture: TrainingPicture, cut: Cut): Promise<Pixels | null> {
    if (this.has(picture, cut)) return null;
    const { name, sha256 } = picture;
    const source = typeof picture.source === "string" ? picture.source : await picture.source();
    return this.options.pool.cut({ source, name, sha256, cut, interpolation: this.options.interpolation });
  }

  /**
   * Posterior of a picture; owned by the cache until it writes its next shard, or by the caller where there is no cache.
   *
   * @throws NotFiniteError when the VAE makes NaN or infinity of it
   */
  encode(picture: TrainingPicture, cut: Cut, pixels: Pixels | null): LatentPosterior {
    const { cache } = this.options;
    const key = this.key(picture, cut);
    const known = cache?.get(key);
    if (known !== undefined) return known as unknown as LatentPosterior;
    if (pixels === null) throw new Error(`internal: pixels of ${picture.name} were not read`);
    const posterior = this.posterior(picture.name, pixels);
    cache?.put(key, { ...posterior });
    return posterior;
  }

  private posterior(name: string, { values, shape }: Pixels): LatentPosterior {
    const { dtype, device } = this.vae.encoder.convIn.weight;
    return noGrad(() =>
      scope(() => {
        const x = tensor(values, { shape }).to({ dtype, device });
        const { mean, std } = encodePictures(this.vae, x, { tiling: this.options.tiling });
        const onCpu = (t: Tensor) => t.to({ dtype: "float32", device: "cpu", copy: true });
        const out = { mean: onCpu(mean), std: onCpu(std) };
        const finite = (t: Tensor) => t.isfinite().all().item() === 1;
        const advice =
          dtype === "float32"
            ? "check the weights of the VAE"
            : "use a VAE that is safe in half precision (sdxl-vae-fp16-fix), or none with --mixed_precision=no";
        if (!finite(out.mean) || !finite(out.std)) throw new NotFiniteError(`the VAE's latents of ${name}`, advice);
        return out;
      }),
    );
  }
}
