// Functions of every number by itself, written once for every instruction set; see simd.h.

// eˣ by a power of two and a Taylor polynomial of what is left, |r| ≤ ln 2 / 2: relative error below 2·10⁻⁷.
INLINE Vector exponential(Vector x) {
  // beyond these the result is 0 or infinite in float32 anyway; NaN passes through the second operand
  x = largest(all(-104), x);
  x = smallerThan(all(89), x, all(89), x);
  const Vector n = nearest(mul(x, all(1.44269504f)));
  const Vector r = fma(n, all(-1.42860677e-6f), fma(n, all(-0.693145752f), x));  // ln 2 in two parts, the first exact in n
  Vector p = all(1.0f / 5040);
  for (const float c : {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f}) p = fma(p, r, all(c));
  return timesPowerOfTwo(p, n);
}

// The normal distribution at x, and its density. Within |u| < 1, u = x/√2, erf(u)/u is a polynomial of u²; outside,
// 1 - erf(|u|) is e^(-u²) times one of 1/(1 + u/2) (the form of Abramowitz and Stegun 7.1.26). The coefficients are
// minimax fits in double precision; the distribution is off by less than 10⁻⁷.
struct Normal {
  Vector distribution, density;
};
INLINE Normal normal(Vector x) {
  const Vector u = mul(x, all(0.707106781f)), size = magnitude(u), square = mul(u, u);
  Vector near = all(7.758222636766732e-05f);
  for (const float c : {-0.0007984214462339878f, 0.005185725167393684f, -0.02685263752937317f, 0.11283561587333679f,
                        -0.376126229763031f, 1.1283791065216064f})
    near = fma(near, square, all(c));
  const Vector fall = exponential(sub(zero(), square)), t = div(all(1), fma(size, all(0.5f), all(1)));
  Vector far = all(-0.048896681517362595f);
  for (const float c : {-0.05981730297207832f, 0.3883451223373413f, 0.12726691365242004f, 0.31382277607917786f, 0.27878671884536743f})
    far = fma(far, t, all(c));
  const Vector erf = smallerThan(size, all(1), mul(near, u), signOf(u, sub(all(1), mul(mul(far, t), fall))));
  return {mul(all(0.5f), add(all(1), erf)), mul(all(0.398942280f), fall)};
}

// `n` numbers of a row: y = value · gate · Φ(gate), the gated linear unit with GELU (Shazeer 2020, eq. 6).
ISA inline void gatedRow(const float* value, const float* gate, float* y, int64_t n) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Vector g = loadu(gate + i);
    storeu(y + i, mul(loadu(value + i), mul(g, normal(g).distribution)));
  }
  for (; i < n; i++) y[i] = value[i] * gate[i] * 0.5f * (1 + std::erf(gate[i] * 0.707106781f));
}

// Its gradients from that of y.
ISA inline void gatedRowGradient(const float* value, const float* gate, const float* y, float* ofValue, float* ofGate, int64_t n) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Vector g = loadu(gate + i), dy = loadu(y + i);
    const Normal at = normal(g);
    storeu(ofValue + i, mul(dy, mul(g, at.distribution)));
    storeu(ofGate + i, mul(mul(dy, loadu(value + i)), fma(g, at.density, at.distribution)));
  }
  for (; i < n; i++) {
    const float g = gate[i], distribution = 0.5f * (1 + std::erf(g * 0.707106781f));
    ofValue[i] = y[i] * g * distribution;
    ofGate[i] = y[i] * value[i] * (distribution + g * 0.398942280f * std::exp(-0.5f * g * g));
  }
}
