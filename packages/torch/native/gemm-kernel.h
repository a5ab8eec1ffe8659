// Products of matrices, written once for every instruction set; see simd.h. A panel of the weight, kColumns wide, is copied
// into the inner cache in float32 and used for all rows; the result is made in tiles of up to kRows by kColumns, in registers.

constexpr int kColumns = 2 * kLanes;      // of a tile
constexpr int64_t kDepth = 512;           // of a panel
constexpr int64_t kStride = kDepth + 16;  // of copied rows: not a power of two, so that they do not share a cache set
constexpr int64_t kBlock = 1024;          // rows that are copied at a time

// R rows of `x` (kStride apart) by one panel.
template <int R>
ISA void tile(const float* x, const float* panel, int64_t depth, float* y, int64_t yStride, const float* start, bool first) {
  Vector sum[R][2];
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) sum[r][0] = sum[r][1] = zero();
  for (int64_t k = 0; k < depth; k++, panel += kColumns) {
    const Vector left = load(panel), right = load(panel + kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
      const Vector one = all(x[r * kStride + k]);
      sum[r][0] = fma(one, left, sum[r][0]);
      sum[r][1] = fma(one, right, sum[r][1]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++, y += yStride) {
    const float* from = first ? start : y;
    storeu(y, from ? add(sum[r][0], loadu(from)) : sum[r][0]);
    storeu(y + kLanes, from ? add(sum[r][1], loadu(from + kLanes)) : sum[r][1]);
  }
}

using Tile = void (*)(const float*, const float*, int64_t, float*, int64_t, const float*, bool);
template <size_t... R>
constexpr std::array<Tile, sizeof...(R)> tilesOf(std::index_sequence<R...>) {
  return {tile<static_cast<int>(R) + 1>...};
}
constexpr auto kTiles = tilesOf(std::make_index_sequence<kRows>());

// A tile of the last panel, of which `width` columns are there: the whole tile is computed beside the result.
inline void narrowTile(Tile whole, int64_t height, int64_t width, const float* x, const float* panel, int64_t depth, float* y,
                       int64_t yStride, const float* start, bool first) {
  alignas(64) float values[kRows * kColumns];
  whole(x, panel, depth, values, kColumns, nullptr, true);
  for (int64_t r = 0; r < height; r++)
    for (int64_t i = 0; i < width; i++) {
      const float* from = first ? start : y + r * yStride;
      y[r * yStride + i] = values[r * kColumns + i] + (from ? from[i] : 0);
    }
}

// `height` rows of numbers next to each other → as many columns, `to` having rows `toStride` apart.
template <class T>
ISA void turn(const T* from, int64_t stride, int64_t height, int64_t width, float* to, int64_t toStride) {
  const int64_t down = height / kLanes * kLanes, along = width / kLanes * kLanes;
  for (int64_t i = 0; i < down; i += kLanes)
    for (int64_t k = 0; k < along; k += kLanes) {
      Vector block[kLanes];
#pragma GCC unroll 16
      for (int j = 0; j < kLanes; j++) block[j] = widen(from + (i + j) * stride + k);
      transpose(block);
#pragma GCC unroll 16
      for (int j = 0; j < kLanes; j++) store(to + (k + j) * toStride + i, block[j]);
    }
  for (int64_t i = 0; i < height; i++)
    for (int64_t k = i < down ? along : 0; k < width; k++) to[k * toStride + i] = static_cast<float>(from[i * stride + k]);
}

// Columns [column, column + width) of a weight at depths [k, k + depth).
template <class T>
ISA void packPanel(const Term& term, int64_t k, int64_t depth, int64_t column, int64_t width, float* panel) {
  const T* weight = static_cast<const T*>(term.weight);
  if (width < kColumns) std::memset(panel, 0, depth * kColumns * sizeof(float));
  if (term.weightTurned) return turn(weight + column * term.weightStride + k, term.weightStride, width, depth, panel, kColumns);
  weight += k * term.weightStride + column;
  for (int64_t i = 0; i < depth; i++, weight += term.weightStride, panel += kColumns)
    if (width == kColumns) {
      store(panel, widen(weight));
      store(panel + kLanes, widen(weight + kLanes));
    } else {
      for (int64_t j = 0; j < width; j++) panel[j] = static_cast<float>(weight[j]);
    }
}

inline void copyRows(const Term& term, int64_t top, int64_t rows, int64_t k, int64_t depth, float* to) {
  if (term.xTurned) return turn(term.x + k * term.xStride + top, term.xStride, depth, rows, to, kStride);
  for (int64_t i = 0; i < rows; i++) std::memcpy(to + i * kStride, term.x + (top + i) * term.xStride + k, depth * sizeof(float));
}

template <class T>
void addTerm(const Term& term, const Product& p, bool first, int64_t from, int64_t to, int64_t top, int64_t rows) {
  const int64_t blocks = (term.depth + kDepth - 1) / kDepth, strips = (rows + kRows - 1) / kRows;
  const int64_t step = ((term.depth + blocks - 1) / blocks + kLanes - 1) / kLanes * kLanes;
  static thread_local Scratch scratch;
  float* panel = scratch.floats(kDepth * kColumns + kBlock * kStride);
  float* x = panel + kDepth * kColumns;
  for (int64_t k = 0; k < term.depth; k += step) {
    const int64_t depth = std::min(step, term.depth - k);
    copyRows(term, top, rows, k, depth, x);
    for (int64_t column = from * kColumns; column < std::min(to * kColumns, p.columns); column += kColumns) {
      const int64_t width = std::min<int64_t>(kColumns, p.columns - column);
      packPanel<T>(term, k, depth, column, width, panel);
      const float* start = p.bias ? p.bias + column : nullptr;
      // strips of nearly equal height: a last one of a row or two would leave the multipliers idle
      for (int64_t s = 0; s < strips; s++) {
        const int64_t row = s * rows / strips, height = (s + 1) * rows / strips - row;
        const Tile of = kTiles[height - 1];
        float* y = p.y + (top + row) * p.yStride + column;
        if (width == kColumns) of(x + row * kStride, panel, depth, y, p.yStride, start, first && k == 0);
        else narrowTile(of, height, width, x + row * kStride, panel, depth, y, p.yStride, start, first && k == 0);
      }
    }
  }
}

template <class T>
void multiplyPart(const Product& p, int64_t from, int64_t to, int64_t top, int64_t bottom) {
  for (int64_t row = top; row < bottom; row += kBlock) {
    const int64_t rows = std::min(kBlock, bottom - row);
    addTerm<T>(p.main, p, !p.accumulate, from, to, row, rows);
    if (p.update.depth > 0) addTerm<float>(p.update, p, false, from, to, row, rows);
  }
}

// A product of float32 matrices on the thread that asks.
inline void multiplyAlone(const Product& p) { multiplyPart<float>(p, 0, (p.columns + kColumns - 1) / kColumns, 0, p.rows); }
