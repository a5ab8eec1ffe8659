import { noGrad } from "../autograd.js";
import { empty, full } from "../factory.js";
import type { Generator } from "../generator.js";
import { keep } from "../scope.js";
import type { Tensor } from "../tensor.js";

const fresh = (like: Tensor): Tensor => {
  const { shape } = like;
  like.dispose();
  return keep(empty(shape));
};

/** Uniform in [-bound, bound), in place of a declared weight. */
export function uniform(declared: Tensor, bound: number, generator: Generator): Tensor {
  return noGrad(() => fresh(declared).uniform_(-bound, bound, { generator }));
}

/** Normal with mean 0, in place of a declared weight. */
export function normal(declared: Tensor, std: number, generator: Generator): Tensor {
  return noGrad(() => fresh(declared).normal_(0, std, { generator }));
}

/** Every element equal, in place of a declared weight. */
export function constant(declared: Tensor, value: number): Tensor {
  const { shape } = declared;
  declared.dispose();
  return keep(full(shape, value));
}
