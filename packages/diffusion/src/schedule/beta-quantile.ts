/** Terms of the series below; each is at most half of the one before. */
const TERMS = 60;

/** Halvings of the interval: more than a float64 can tell apart. */
const HALVINGS = 60;

/**
 * The value below which a share `p` of a symmetric beta distribution lies: `P(X < x) = p` for `X ~ Beta(a, a)`.
 *
 * The distribution function is `x^a · sum of (1-a)_n / n! · x^n / (a+n)` up to a factor (NIST DLMF 8.17.7), and by symmetry
 * 1/2 at 1/2, which gives the factor.
 */
export function symmetricBetaQuantile(p: number, a: number): number {
  if (p > 0.5) return 1 - symmetricBetaQuantile(1 - p, a);
  if (p === 0) return 0;
  const wanted = p * 2 * unscaled(0.5, a);
  let [low, high] = [0, 0.5];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (unscaled(middle, a) < wanted) low = middle;
    else high = middle;
  }
  return high;
}

function unscaled(x: number, a: number): number {
  let [factor, sum] = [1, 1 / a];
  for (let n = 1; n < TERMS; n++) {
    factor *= ((n - a) / n) * x;
    sum += factor / (a + n);
  }
  return x ** a * sum;
}
