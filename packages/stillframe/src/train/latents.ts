import { noGrad, scope, type Tensor, tensor } from "@stillframe/torch";
import type { Sdxl } from "@stillframe/diffusion";
import type { TrainOptions } from "@stillframe/schema";
import { decodePicture, type Interpolation, type Picture } from "../data/index.js";
import { cropToPixelValues } from "../data/preprocess.js";
import { resample } from "../data/resample.js";
import { NotFiniteError } from "./not-finite-error.js";
import { uniformNumbers } from "./randomness.js";
import { entryKey, type ShardCache } from "./shard-cache.js";
import type { TrainingPicture } from "./training-set.js";

/** How a picture is cut: which size, from which place, mirrored or not. */
export interface Cut {
  /** `[height, width]` of the result in pixels */
  target: readonly [number, number];
  /** of the resized picture, after mirroring */
  top: number;
  left: number;
  /** `[height, width]` after resizing */
  resized: readonly [number, number];
  flipped: boolean;
}

/** A picture as training takes it. */
export interface EncodedPicture {
  /** of the posterior, `[1, 4, h, w]` in float32 */
  mean: Tensor;
  std: Tensor;
  /** original height and width, top and left of the crop, target height and width */
  timeIds: readonly number[];
}

/** Size after resizing so that the target is covered; the long side is cut to an integer as torchvision does. */
export function coveringSize({ width, height }: { width: number; height: number }, [h, w]: readonly [number, number]): [number, number] {
  const byHeight = h * width >= w * height;
  return byHeight ? [h, Math.max(w, Math.trunc((h * width) / height))] : [Math.max(h, Math.trunc((w * height) / width)), w];
}

const half = (x: number): number => {
  const low = Math.floor(x / 2);
  // Python's round, for the centre of an odd remainder: half goes to the even number
  return x % 2 === 0 ? x / 2 : low % 2 === 0 ? low : low + 1;
};

/** Where a picture is cut: the middle, or a place drawn for each crop. */
export function cutOf(picture: TrainingPicture, { target, flipped, crop, seed, index, centre }: { target: readonly [number, number]; flipped: boolean; crop: number; seed: number; index: number; centre: boolean }): Cut {
  const resized = coveringSize(picture, target);
  const [spareY, spareX] = [resized[0] - target[0], resized[1] - target[1]];
  if (centre) return { target, resized, flipped, top: half(spareY), left: half(spareX) };
  const random = uniformNumbers(seed, "augment", -1, index, crop);
  return { target, resized, flipped, top: Math.floor(random() * (spareY + 1)), left: Math.floor(random() * (spareX + 1)) };
}

/** A picture's file → pixels `[1, 3, h, w]` in [-1, 1]. */
export async function cutPicture(picture: TrainingPicture, cut: Cut, interpolation: Interpolation): Promise<{ values: Float32Array; shape: number[] }> {
  const decoded: Picture = await decodePicture(picture.source, { name: picture.name });
  const [height, width] = cut.resized;
  const resized = decoded.height === height && decoded.width === width ? decoded : resample(decoded, { height, width, interpolation });
  const [h, w] = cut.target;
  const values = cropToPixelValues(resized, { top: cut.top, left: cut.left, height: h, width: w, flipped: cut.flipped });
  return { values, shape: [1, 3, h, w] };
}

/** The name that torchvision's mode has in the data stage. */
export const interpolationOf = (options: Pick<TrainOptions, "image_interpolation_mode">): Interpolation =>
  options.image_interpolation_mode.replace("_", "-") as Interpolation;

/** Encodes pictures one at a time, so that a latent does not depend on its neighbours, and remembers them. */
export class LatentEncoder {
  private readonly vae: Sdxl["vae"];
  private readonly cache: ShardCache | null;
  private readonly vaeKey: string;
  private readonly interpolation: Interpolation;

  /** @param vaeKey a hash of the VAE's weights and of how it computes */
  constructor(vae: Sdxl["vae"], { cache, vaeKey, interpolation }: { cache: ShardCache | null; vaeKey: string; interpolation: Interpolation }) {
    this.vae = vae;
    this.cache = cache;
    this.vaeKey = vaeKey;
    this.interpolation = interpolation;
  }

  key(picture: TrainingPicture, cut: Cut): string {
    return entryKey("latents", this.vaeKey, picture.sha256, this.interpolation, [...cut.target, ...cut.resized, cut.top, cut.left], cut.flipped);
  }

  has(picture: TrainingPicture, cut: Cut): boolean {
    return this.cache?.has(this.key(picture, cut)) ?? false;
  }

  /** Pixels that `encode` will need; null when the cache has the latents. Reading may run ahead, in parallel. */
  async read(picture: TrainingPicture, cut: Cut): Promise<{ values: Float32Array; shape: number[] } | null> {
    return this.has(picture, cut) ? null : cutPicture(picture, cut, this.interpolation);
  }

  /**
   * Posterior of a picture; owned by the cache, or by the caller where there is none.
   *
   * @throws NotFiniteError when the VAE makes NaN or infinity of it
   */
  encode(picture: TrainingPicture, cut: Cut, pixels: { values: Float32Array; shape: number[] } | null): { mean: Tensor; std: Tensor } {
    const key = this.key(picture, cut);
    const known = this.cache?.get(key);
    if (known !== undefined) return known as { mean: Tensor; std: Tensor };
    if (pixels === null) throw new Error(`internal: pixels of ${picture.name} were not read`);
    const { dtype, device } = this.vae.encoder.convIn.weight;
    const entry = noGrad(() =>
      scope(() => {
        const x = tensor(pixels.values, { shape: pixels.shape }).to({ dtype, device });
        const { mean, std } = this.vae.encode(x);
        const out = { mean: mean.to({ dtype: "float32", device: "cpu", copy: true }), std: std.to({ dtype: "float32", device: "cpu", copy: true }) };
        if (!(out.mean.isfinite().all().item() && out.std.isfinite().all().item())) throw new NotFiniteError(`the VAE's latents of ${picture.name}`, dtype === "float32" ? "" : "use a VAE that is safe in half precision (sdxl-vae-fp16-fix), or none with --mixed_precision=no");
        return out;
      }),
    );
    this.cache?.put(key, entry);
    return entry;
  }
}
