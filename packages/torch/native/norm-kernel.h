// Normalization of a group of channels (Wu and He 2018) with what stands beside it in a residual block, written once for every
// instruction set; see simd.h. A group's channels lie one behind the other, each of `pixels` numbers.

INLINE Vector sigmoid(Vector x) { return div(all(1), add(all(1), exponential(sub(zero(), x)))); }

// The sum of (x + offset)ᵖ over a channel, p being 1 or 2.
ISA inline double powerSum(const float* x, float offset, int64_t n, bool squares) {
  Vector sums = zero();
  double rest = 0;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Vector v = add(loadu(x + i), all(offset));
    sums = squares ? fma(v, v, sums) : add(sums, v);
  }
  for (; i < n; i++) {
    const double v = static_cast<double>(x[i]) + offset;
    rest += squares ? v * v : v;
  }
  return rest + sumOf(sums);
}

// y = a · x + s, then y · sigmoid(y) if activated
ISA inline void scaleRow(const float* x, float a, float s, float* y, int64_t n, bool activated) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Vector v = fma(loadu(x + i), all(a), all(s));
    storeu(y + i, activated ? mul(v, sigmoid(v)) : v);
  }
  for (; i < n; i++) {
    const float v = x[i] * a + s;
    y[i] = activated ? v / (1 + std::exp(-v)) : v;
  }
}

inline void normGroup(const NormGroup& g, float* y, float eps, bool activated) {
  const int64_t n = g.channels * g.pixels;
  double sum = 0, squares = 0;
  for (int64_t c = 0; c < g.channels; c++) sum += powerSum(g.x + c * g.pixels, g.shiftOf(c), g.pixels, false);
  const float mean = static_cast<float>(sum / n);
  for (int64_t c = 0; c < g.channels; c++) squares += powerSum(g.x + c * g.pixels, g.shiftOf(c) - mean, g.pixels, true);
  const float inverse = static_cast<float>(1 / std::sqrt(squares / n + eps));
  g.statistics[0] = mean;
  g.statistics[1] = inverse;
  for (int64_t c = 0; c < g.channels; c++) {
    const float a = g.weight[c] * inverse;
    scaleRow(g.x + c * g.pixels, a, g.bias[c] + (g.shiftOf(c) - mean) * a, y + c * g.pixels, g.pixels, activated);
  }
}

// One channel's gradient before the normalization, into `to`, and its sums: of itself, and of itself times the normed input.
ISA inline void normedGradientRow(const float* x, const float* dy, float* to, float inverse, float offset, float weight, float bias,
                                  int64_t n, bool activated, double sums[2]) {
  Vector plain = zero(), along = zero();
  sums[0] = sums[1] = 0;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Vector normed = fma(loadu(x + i), all(inverse), all(offset));
    Vector d = loadu(dy + i);
    if (activated) {
      const Vector z = fma(normed, all(weight), all(bias)), open = sigmoid(z);
      d = mul(d, mul(open, fma(z, sub(all(1), open), all(1))));
    }
    storeu(to + i, d);
    plain = add(plain, d);
    along = fma(d, normed, along);
  }
  for (; i < n; i++) {
    const float normed = x[i] * inverse + offset;
    float d = dy[i];
    if (activated) {
      const float z = normed * weight + bias, open = 1 / (1 + std::exp(-z));
      d *= open * (1 + z * (1 - open));
    }
    to[i] = d;
    sums[0] += d;
    sums[1] += static_cast<double>(d) * normed;
  }
  sums[0] += sumOf(plain);
  sums[1] += sumOf(along);
}

// d ← a · d + p + q · (x · inverse + offset); returns its sum
ISA inline double centredRow(const float* x, float* d, float inverse, float offset, float a, float p, float q, int64_t n) {
  Vector sums = zero();
  double rest = 0;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Vector normed = fma(loadu(x + i), all(inverse), all(offset));
    const Vector v = fma(loadu(d + i), all(a), fma(normed, all(q), all(p)));
    storeu(d + i, v);
    sums = add(sums, v);
  }
  for (; i < n; i++) {
    d[i] = d[i] * a + q * (x[i] * inverse + offset) + p;
    rest += d[i];
  }
  return rest + sumOf(sums);
}

// `sums` takes three numbers a channel: the gradients of its bias, weight, and shift.
inline void normGroupGradient(const NormGroup& g, const float* dy, float* dx, float* sums, bool activated) {
  const float mean = g.statistics[0], inverse = g.statistics[1];
  const double n = static_cast<double>(g.channels) * g.pixels;
  double plain = 0, along = 0;  // means over the group, of the gradient by the normed input and of its part along that
  for (int64_t c = 0; c < g.channels; c++) {
    double of[2];
    normedGradientRow(g.x + c * g.pixels, dy + c * g.pixels, dx + c * g.pixels, inverse, (g.shiftOf(c) - mean) * inverse, g.weight[c],
                      g.bias[c], g.pixels, activated, of);
    sums[3 * c] = static_cast<float>(of[0]);
    sums[3 * c + 1] = static_cast<float>(of[1]);
    plain += of[0] * g.weight[c] / n;
    along += of[1] * g.weight[c] / n;
  }
  for (int64_t c = 0; c < g.channels; c++)
    sums[3 * c + 2] = static_cast<float>(centredRow(g.x + c * g.pixels, dx + c * g.pixels, inverse, (g.shiftOf(c) - mean) * inverse,
                                                    inverse * g.weight[c], static_cast<float>(-inverse * plain),
                                                    static_cast<float>(-inverse * along), g.pixels));
}
