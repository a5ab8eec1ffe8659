import type { Tensor } from "@stillframe/torch";
import type { Picture } from "../data/index.js";

/** A network that turns pictures into vectors, with the way in which it wants them prepared. */
export interface FeatureExtractor {
  /** Network and preparation, for tables and files: two names that differ are two kinds of features. */
  readonly name: string;
  /** Numbers a picture. */
  readonly dimension: number;
  /** A picture as the network takes it, `[3, h, w]` float32 on the CPU; all of one size. */
  prepare(picture: Picture): Tensor;
  /** `x [b, 3, h, w]` → `[b, dimension]` */
  features(x: Tensor): Tensor;
}
