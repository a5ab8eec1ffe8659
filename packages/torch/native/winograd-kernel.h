// The transformations of Winograd's convolution and of its gradients, written once for every instruction set; see simd.h and winograd.cc.
// A vector holds the same number of kLanes tiles next to each other (or of kLanes filters).

constexpr int kTile = 4, kPlaces = kTile * kTile;  // a tile of the input, and the numbers in it
constexpr int kFilter = 3, kWeights = kFilter * kFilter;

// The columns of a row by turns: `even` from column 0, `odd` from column 1, with zeros around.
struct SplitRow {
  float *even, *odd;
};
// A row of `width` numbers, 0 for one that is not there.
INLINE void split(const float* row, int64_t width, int64_t padded, SplitRow to) {
  for (int64_t i = 0; i < padded; i += kLanes, row += 2 * kLanes, width -= 2 * kLanes) {
    const Vector left = loadSome(row, width), right = loadSome(row + kLanes, width - kLanes);
    storeu(to.even + i, evens(left, right));
    storeu(to.odd + i, odds(left, right));
  }
}

// Bᵀ d of the input's four numbers (Lavin and Gray 2016, eq. 9), in place, `step` apart.
INLINE void inputTransform(Vector* d, int step) {
  const Vector a = sub(d[0], d[2 * step]), b = add(d[step], d[2 * step]), c = sub(d[2 * step], d[step]), e = sub(d[step], d[3 * step]);
  d[0] = a, d[step] = b, d[2 * step] = c, d[3 * step] = e;
}

// One channel's rows of tiles [from, to): number p of a tile goes to v[p · vStride], tiles next to each other.
ISA void tilesOfPlane(const float* plane, int64_t height, int64_t width, int64_t from, int64_t to, float* v, int64_t vStride) {
  const int64_t tiles = (width + 1) / 2, padded = (tiles + kLanes - 1) / kLanes * kLanes, length = padded + 2 * kLanes;
  static thread_local Scratch scratch;
  float* const rows = scratch.floats(2 * kTile * length);
  // four rows at a time, in turn, each between two vectors of zeros
  const auto rowAt = [&](int64_t r) { return SplitRow{rows + 2 * (r & 3) * length + kLanes, rows + (2 * (r & 3) + 1) * length + kLanes}; };
  const auto take = [&](int64_t r) ISA {
    const bool there = r >= 0 && r < height;
    split(plane + (there ? r * width : 0), there ? width : 0, padded, rowAt(r));
  };
  for (int64_t i = 0; i < 2 * kTile; i++) {
    storeu(rows + i * length, zero());
    storeu(rows + (i + 1) * length - kLanes, zero());
  }
  take(2 * from - 1);
  take(2 * from);
  for (int64_t row = from; row < to; row++, v += tiles) {
    take(2 * row + 1);
    take(2 * row + 2);
    for (int64_t i = 0; i < tiles; i += kLanes) {
      Vector d[kPlaces];
#pragma GCC unroll 4
      for (int r = 0; r < kTile; r++) {
        const SplitRow s = rowAt(2 * row - 1 + r);
        d[4 * r] = loadu(s.odd + i - 1);
        d[4 * r + 1] = loadu(s.even + i);
        d[4 * r + 2] = loadu(s.odd + i);
        d[4 * r + 3] = loadu(s.even + i + 1);
      }
#pragma GCC unroll 4
      for (int c = 0; c < kTile; c++) inputTransform(d + c, 4);
#pragma GCC unroll 4
      for (int r = 0; r < kTile; r++) inputTransform(d + 4 * r, 1);
#pragma GCC unroll 16
      for (int p = 0; p < kPlaces; p++) storeSome(v + p * vStride + i, d[p], tiles - i);
    }
  }
}

// One channel's rows of tiles [from, to) of an output's gradient, 2 × 2 numbers each to the 16 that stand for them: A g Aᵀ.
ISA void gradientTilesOfPlane(const float* plane, int64_t height, int64_t width, int64_t from, int64_t to, float* v, int64_t vStride) {
  const int64_t tiles = (width + 1) / 2;
  for (int64_t row = from; row < to; row++, v += tiles)
    for (int64_t i = 0; i < tiles; i += kLanes) {
      Vector t[kTile][2], out[kTile];
#pragma GCC unroll 2
      for (int r = 0; r < 2; r++) {
        const float* at = plane + (2 * row + r) * width + 2 * i;
        const int64_t rest = 2 * row + r < height ? width - 2 * i : 0;
        const Vector left = loadSome(at, rest), right = loadSome(at + kLanes, rest - kLanes);
        t[3 * r][0] = evens(left, right);
        t[3 * r][1] = odds(left, right);
      }
#pragma GCC unroll 2
      for (int c = 0; c < 2; c++) {
        t[1][c] = add(t[0][c], t[3][c]);
        t[2][c] = sub(t[0][c], t[3][c]);
        t[3][c] = sub(zero(), t[3][c]);
      }
#pragma GCC unroll 4
      for (int r = 0; r < kTile; r++) {
        out[0] = t[r][0], out[1] = add(t[r][0], t[r][1]), out[2] = sub(t[r][0], t[r][1]), out[3] = sub(zero(), t[r][1]);
#pragma GCC unroll 4
        for (int c = 0; c < kTile; c++) storeSome(v + (4 * r + c) * vStride + i, out[c], tiles - i);
      }
    }
}

// G g of a filter's three numbers, to four.
INLINE void filterTransform(Vector a, Vector b, Vector c, Vector* to, int step) {
  const Vector half = all(0.5f), ends = mul(add(a, c), half), middle = mul(b, half);
  to[0] = a, to[step] = add(ends, middle), to[2 * step] = sub(ends, middle), to[3 * step] = c;
}

// `count` filters of 3 × 3 one after the other: number p of a filter goes to u[p · uStride], filters next to each other.
template <class T>
ISA void filtersOf(const void* weight, int64_t count, float* u, int64_t uStride) {
  constexpr int kRead = (kWeights + kLanes - 1) / kLanes * kLanes;  // whole vectors, over the end of a filter
  for (int64_t f = 0; f < count; f += kLanes) {
    const T* from = static_cast<const T*>(weight) + f * kWeights;
    const int64_t rest = std::min<int64_t>(count - f, kLanes);
    alignas(64) T edge[kLanes * kWeights + kRead] = {};
    if ((f + kLanes - 1) * kWeights + kRead > count * kWeights) {
      std::memcpy(edge, from, rest * kWeights * sizeof(T));
      from = edge;
    }
    Vector g[kRead];
#pragma GCC unroll 2
    for (int part = 0; part < kRead; part += kLanes) {
#pragma GCC unroll 16
      for (int j = 0; j < kLanes; j++) g[part + j] = widen(from + j * kWeights + part);
      transpose(g + part);
    }
    Vector t[kTile * kFilter], out[kPlaces];
#pragma GCC unroll 4
    for (int c = 0; c < kFilter; c++) filterTransform(g[c], g[3 + c], g[6 + c], t + c, kFilter);
#pragma GCC unroll 4
    for (int r = 0; r < kTile; r++) filterTransform(t[3 * r], t[3 * r + 1], t[3 * r + 2], out + 4 * r, 1);
#pragma GCC unroll 16
    for (int p = 0; p < kPlaces; p++) storeSome(u + p * uStride + f, out[p], rest);
  }
}

// Aᵀ m of four numbers, to the output's two.
INLINE void outputTransform(Vector a, Vector b, Vector c, Vector d, Vector& first, Vector& second) {
  first = add(add(a, b), c);
  second = sub(sub(b, c), d);
}

// Rows of tiles [from, to) of one channel's products, back to pixels.
ISA void planeOfTiles(const float* m, int64_t mStride, int64_t from, int64_t to, float bias, float* plane, int64_t height, int64_t width) {
  const int64_t tiles = (width + 1) / 2;
  const Vector start = all(bias);
  for (int64_t row = from; row < to; row++, m += tiles)
    for (int64_t i = 0; i < tiles; i += kLanes) {
      Vector s[2][kTile];
#pragma GCC unroll 4
      for (int r = 0; r < kTile; r++) {
        const float* at = m + 4 * r * mStride + i;
        outputTransform(loadu(at), loadu(at + mStride), loadu(at + 2 * mStride), loadu(at + 3 * mStride), s[0][r], s[1][r]);
      }
      Vector y[2][2];  // by row, then by column
#pragma GCC unroll 2
      for (int c = 0; c < 2; c++) outputTransform(s[c][0], s[c][1], s[c][2], s[c][3], y[0][c], y[1][c]);
#pragma GCC unroll 2
      for (int r = 0; r < 2; r++) {
        if (2 * row + r >= height) break;
        float* to = plane + (2 * row + r) * width + 2 * i;
        const int64_t rest = width - 2 * i;
        const Vector left = add(y[r][0], start), right = add(y[r][1], start);
        storeSome(to, interleavedLow(left, right), rest);
        if (rest > kLanes) storeSome(to + kLanes, interleavedHigh(left, right), rest - kLanes);
      }
    }
}

// Gᵀ d of four numbers, to three: the gradient of `filterTransform`.
INLINE void filterGradient(Vector a, Vector b, Vector c, Vector d, Vector* to, int step) {
  const Vector half = all(0.5f), sum = mul(add(b, c), half);
  to[0] = add(a, sum), to[step] = mul(sub(b, c), half), to[2 * step] = add(sum, d);
}

// `count` filters' gradients from those of their 16 numbers: number p of a filter is at d[p · dStride].
ISA void filtersOfGradient(const float* d, int64_t dStride, int64_t count, float* filters) {
  for (int64_t f = 0; f < count; f += kLanes) {
    const int64_t rest = std::min<int64_t>(count - f, kLanes);
    Vector t[kFilter * kTile], g[kWeights];
#pragma GCC unroll 4
    for (int c = 0; c < kTile; c++) {
      const float* at = d + c * dStride + f;
      filterGradient(loadSome(at, rest), loadSome(at + 4 * dStride, rest), loadSome(at + 8 * dStride, rest), loadSome(at + 12 * dStride, rest),
                     t + c, kTile);
    }
#pragma GCC unroll 3
    for (int r = 0; r < kFilter; r++) filterGradient(t[4 * r], t[4 * r + 1], t[4 * r + 2], t[4 * r + 3], g + 3 * r, 1);
    alignas(64) float values[kWeights][kLanes];
#pragma GCC unroll 16
    for (int q = 0; q < kWeights; q++) store(values[q], g[q]);
    for (int64_t j = 0; j < rest; j++)
      for (int q = 0; q < kWeights; q++) filters[(f + j) * kWeights + q] = values[q][j];
  }
}
