import { cat, softmax } from "../functions.generated.js";
import { bind, hasOperator, native } from "../native.js";
import { scope } from "../scope.js";
import { Tensor } from "../tensor.js";

const fused = hasOperator("scaled_dot_product_attention") ? bind("scaled_dot_product_attention") : null;
/** Without a fused kernel the scores are held whole; above this many bytes, and when no gradient is wanted, they are not. */
const SCORES_LIMIT = 256 * 2 ** 20;

/**
 * `softmax(q kᵀ / √d) v` (Vaswani et al. 2017, eq. 1). Float32 on the CPU without a mask is the engine's own
 * (`native/attention.cc`), which keeps no scores and has no second derivative; else libtorch's fused kernel, where there
 * is one (2.0 and later).
 *
 * @param q `[b, heads, t, d]`
 * @param k `[b, heads, s, d]`
 * @param v `[b, heads, s, d]`
 * @param causalMask `[t, s]` added to the scores, 0 or -∞; null for none
 * @returns `[b, heads, t, d]`
 */
export function attention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { causalMask = null }: { causalMask?: Tensor | null } = {},
): Tensor {
  const own = causalMask === null ? native.attention(q.handle, k.handle, v.handle) : undefined;
  if (own !== undefined) return new Tensor(own);
  if (fused !== null) return new Tensor(fused(q.handle, k.handle, v.handle, causalMask?.handle));
  return plainAttention(q, k, v, causalMask);
}

/** The same in separate operators, for libtorch before 2.0. */
export function plainAttention(q: Tensor, k: Tensor, v: Tensor, causalMask: Tensor | null): Tensor {
  const { b, heads, t, d } = q.dims("b heads t d");
  const s = k.size(2);
  const [q3, k3, v3] = [q.reshape(b * heads, t, d), k.reshape(b * heads, s, d), v.reshape(b * heads, s, d)];
  const keys = k3.transpose(1, 2).mul(1 / Math.sqrt(d));
  // a scope of its own, so that the scores of one part are gone before those of the next are made
  const part = (queries: Tensor, mask: Tensor | null): Tensor =>
    scope(() => {
      const scores = mask === null ? queries.bmm(keys) : queries.bmm(keys).add(mask);
      return softmax(scores, -1).bmm(v3);
    });
  const needsGrad = q.requiresGrad || k.requiresGrad || v.requiresGrad;
  const bytes = b * heads * t * s * 4;
  if (needsGrad || bytes <= SCORES_LIMIT) return part(q3, causalMask).view(b, heads, t, d);
  const rows = Math.max(1, Math.floor(t / Math.ceil(bytes / SCORES_LIMIT)));
  const parts: Tensor[] = [];
  for (let i = 0; i < t; i += rows) {
    const n = Math.min(rows, t - i);
    const queries = q3.narrow(1, i, n);
    parts.push(part(queries, causalMask === null ? null : causalMask.narrow(0, i, n)));
  }
  return cat(parts, 1).view(b, heads, t, d);
}
