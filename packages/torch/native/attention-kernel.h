// Attention of one head, written once for every instruction set; see simd.h. The scores of a block of rows are made, used, and
// forgotten; the gradient makes them again from what the softmax was divided by (Dao et al. 2022, FlashAttention, §3.1 and
// algorithm 4, with whole rows in place of an online softmax).

// Scores of so many rows at a time: a megabyte, or more where that would be few rows for the copying of wide heads' keys.
inline int64_t rowsAtATime(int64_t rows, int64_t across, int64_t d) {
  return std::min(rows, std::clamp<int64_t>((1 << 18) / across, std::clamp<int64_t>(d / 4, 32, 128), 256));
}

inline Term termOf(const Rows& x, int64_t depth, const Rows& weight, bool weightTurned) {
  return {x.at, x.stride, false, weight.at, weight.stride, weightTurned, depth};
}

// A row of scores → weights that sum to one, e^(scale · score) over their sum; the logarithm of that sum.
ISA inline float softmaxRow(float* row, int64_t n, float scale) {
  const int64_t whole = n / kLanes * kLanes;
  Vector most = all(-INFINITY);
  for (int64_t i = 0; i < whole; i += kLanes) most = largest(most, loadu(row + i));
  float top = largestOf(most);
  for (int64_t i = whole; i < n; i++) top = std::max(top, row[i]);
  const Vector factor = all(scale), offset = all(-top * scale);
  Vector sums = zero();
  for (int64_t i = 0; i < whole; i += kLanes) {
    const Vector e = exponential(fma(loadu(row + i), factor, offset));
    storeu(row + i, e);
    sums = add(sums, e);
  }
  float sum = sumOf(sums);
  for (int64_t i = whole; i < n; i++) sum += row[i] = std::exp((row[i] - top) * scale);
  const Vector share = all(1 / sum);
  for (int64_t i = 0; i < whole; i += kLanes) storeu(row + i, mul(loadu(row + i), share));
  for (int64_t i = whole; i < n; i++) row[i] /= sum;
  return top * scale + std::log(sum);
}

// out = softmax(scale · q kᵀ) v for queries [from, to); `logSums` takes a number a query.
inline void attend(const Rows& q, const Rows& k, const Rows& v, const Rows& out, float* logSums, int64_t d, float scale, int64_t from,
                   int64_t to) {
  static thread_local Scratch scratch;
  const int64_t s = k.count, block = rowsAtATime(to - from, s, d);
  const Rows scores{scratch.floats(block * s), s, block};
  for (int64_t i = from; i < to; i += block) {
    const int64_t rows = std::min(block, to - i);
    multiplyAlone({termOf({q.row(i), q.stride, rows}, d, k, true), {}, scores.at, s, rows, s});
    for (int64_t r = 0; r < rows; r++) logSums[i + r] = softmaxRow(scores.row(r), s, scale);
    multiplyAlone({termOf(scores, s, v, false), {}, out.row(i), out.stride, rows, d});
  }
}

// A row of scores and one of the weights' gradients, both of one key: the weights, and the scores' gradients.
ISA inline void scoreGradientRow(float* score, float* gradient, const float* logSums, const float* shares, int64_t n, float scale) {
  const Vector factor = all(scale);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Vector weight = exponential(sub(mul(loadu(score + i), factor), loadu(logSums + i)));
    storeu(score + i, weight);
    storeu(gradient + i, mul(mul(weight, factor), sub(loadu(gradient + i), loadu(shares + i))));
  }
  for (; i < n; i++) {
    score[i] = std::exp(score[i] * scale - logSums[i]);
    gradient[i] = score[i] * scale * (gradient[i] - shares[i]);
  }
}

// Keys by queries, so that what is summed over queries lies along a row.
inline void attendGradient(const HeadGradient& h, int64_t d, float scale) {
  static thread_local Scratch scratch;
  const int64_t t = h.q.count, s = h.k.count, block = rowsAtATime(s, t, d);
  float* const weights = scratch.floats(2 * block * t + t);
  float *const scores = weights + block * t, *const shares = scores + block * t;
  for (int64_t i = 0; i < t; i++) {
    double sum = 0;  // of the product of the output with its gradient
    for (int64_t j = 0; j < d; j++) sum += static_cast<double>(h.out.row(i)[j]) * h.ofOut.row(i)[j];
    shares[i] = static_cast<float>(sum);
  }
  for (int64_t j = 0; j < s; j += block) {
    const int64_t rows = std::min(block, s - j);
    const Rows k{h.k.row(j), h.k.stride, rows}, v{h.v.row(j), h.v.stride, rows}, w{weights, t, rows}, g{scores, t, rows};
    multiplyAlone({termOf(k, d, h.q, true), {}, weights, t, rows, t});
    multiplyAlone({termOf(v, d, h.ofOut, true), {}, scores, t, rows, t});
    for (int64_t r = 0; r < rows; r++) scoreGradientRow(w.row(r), g.row(r), h.logSums, shares, t, scale);
    multiplyAlone({termOf(w, t, h.ofOut, false), {}, h.ofV.row(j), h.ofV.stride, rows, d});
    multiplyAlone({termOf(g, t, h.q, false), {}, h.ofK.row(j), h.ofK.stride, rows, d});
    const Term turned{scores, t, true, k.at, k.stride, false, rows};
    multiplyAlone({turned, {}, h.ofQ.at, h.ofQ.stride, t, d, nullptr, j > 0});
  }
}
