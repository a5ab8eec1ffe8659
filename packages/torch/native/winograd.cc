// Convolutions of 3 × 3 with stride 1 and a border of one, on the CPU in float32, by Winograd's minimal filtering F(2 × 2, 3 × 3)
// (Lavin and Gray 2016, §4.1): 16 products for 4 pixels where the plain sum has 36. Input, filters and output are
// transformed, and between the transformations stand 16 matrix products. The input's gradient is the same convolution with
// filters that are turned around, whose transformations differ in order alone; a filter's gradient has 16 products of tiles.
// Included after gemm.cc.
#include "engine.h"
#include "simd.h"

namespace simd {

constexpr int64_t kPlaces = 16;

// Numbers that are kept of tiles (before and after the products) and of filters. Together they fit the outer cache; where
// filters are few, tiles of a thread's own fit the inner one.
constexpr int64_t kTileNumbers = 6 << 20, kFilterNumbers = 3 << 20;
constexpr int64_t kOwnTileNumbers = 192 << 10, kOwnFilterNumbers = 1 << 20, kOwnTiles = 160;

// The distance between 16 matrices: not a power of two, so that numbers of one tile do not share a cache set.
int64_t between(int64_t numbers) { return (numbers / 1024 + 1) * 1024 + 64; }

// Feature maps `[b, channels, h, w]`, the channels perhaps in two tensors.
struct Maps {
  float *first, *second = nullptr;
  int64_t channels, others = 0;
  int64_t height, width;

  explicit Maps(const at::Tensor& t)
      : first(static_cast<float*>(t.data_ptr())), channels(t.size(1)), height(t.size(2)), width(t.size(3)) {}
  Maps(const at::Tensor& t, const at::Tensor& more) : Maps(t) {
    if (!more.defined()) return;
    second = static_cast<float*>(more.data_ptr());
    others = more.size(1);
  }
  int64_t count() const { return channels + others; }
  int64_t rows() const { return (height + 1) / 2; }  // of tiles
  int64_t tiles() const { return (width + 1) / 2; }  // in a row
  float* plane(int64_t picture, int64_t c) const {
    return c < channels ? first + (picture * channels + c) * height * width : second + (picture * others + c - channels) * height * width;
  }
};

// Filters `[out, in, 3, 3]`, the outputs perhaps in two tensors, the second in float32.
struct FilterBank {
  at::Tensor first, second;

  int64_t outputs() const { return first.size(0) + (second.defined() ? second.size(0) : 0); }
  int64_t inputs() const { return first.size(1); }
  // Those of inputs [from, from + n) for one output, transformed.
  void transform(int64_t output, int64_t from, int64_t n, float* u, int64_t uStride) const {
    const bool isFirst = output < first.size(0);
    const at::Tensor& of = isFirst ? first : second;
    const int64_t row = isFirst ? output : output - first.size(0);
    filtersFor(of.scalar_type())(static_cast<const char*>(of.data_ptr()) + (row * inputs() + from) * 9 * of.element_size(), n, u, uStride);
  }
};

// Rows of tiles, of all pictures one after the other.
struct TileRows {
  int64_t from, to;
};

// A channel's part in every picture: body(plane, first and last row of tiles in it, place of the first tile).
template <class F>
void eachPlane(const Maps& maps, int64_t channel, TileRows rows, const F& body) {
  const int64_t all = maps.rows();
  for (int64_t row = rows.from; row < rows.to;) {
    const int64_t picture = row / all, end = std::min(rows.to, (picture + 1) * all);
    body(maps.plane(picture, channel), row - picture * all, end - picture * all, (row - rows.from) * maps.tiles());
    row = end;
  }
}
void takeChannel(PlaneTiles transform, const Maps& maps, int64_t channel, TileRows rows, float* v, int64_t vStride) {
  eachPlane(maps, channel, rows, [&](const float* plane, int64_t top, int64_t bottom, int64_t tile) {
    transform(plane, maps.height, maps.width, top, bottom, v + tile, vStride);
  });
}

// How a convolution is cut: rows of tiles that are done at a time, and output channels.
struct WinogradPlan {
  int64_t in, out, tiles, rows;  // tiles in a row; rows of all pictures
  int64_t rowsAtOnce, outAtOnce;
  bool apart;  // each thread has tiles of its own from the input to the output

  WinogradPlan(int64_t batch, const Maps& x, const Maps& y) : in(x.count()), out(y.count()), tiles(x.tiles()), rows(batch * x.rows()) {
    apart = kPlaces * in * out <= kOwnFilterNumbers;
    outAtOnce = apart ? out : std::min(out, std::max<int64_t>(64, kFilterNumbers / (kPlaces * in) / 16 * 16));
    rowsAtOnce = apart ? ownRows() : std::clamp<int64_t>(kTileNumbers / (kPlaces * tiles * (in + outAtOnce)), 1, rows);
  }
  int64_t parts() const { return (rows + rowsAtOnce - 1) / rowsAtOnce; }

 private:
  // The rows of a part with which the thread that has most to do is done first. Costs are in multiplications of a pair of
  // vectors, as measured on AVX-512.
  int64_t ownRows() const {
    const int64_t most = std::max<int64_t>(1, std::max(kOwnTiles, kOwnTileNumbers / (kPlaces * (in + out))) / tiles);
    const int64_t threads = at::get_num_threads(), lanes = kernels().columns / 2;
    int64_t best = 1;
    double least = INFINITY;
    for (int64_t r = 1; r <= std::min(most, rows); r++) {
      const int64_t turns = ((rows + r - 1) / r + threads - 1) / threads;
      const double products = kPlaces * in * (panelsOf(r * tiles) * (out + 11.0) + 0.12 * out);
      const double cost = turns * (products + r * ((tiles + lanes - 1) / lanes) * (70.0 * in + 60.0 * out));
      if (cost < least) least = cost, best = r;
    }
    return best;
  }
};

// Tiles before (`v [16, in, columns]`) and after the products (`m [16, outAtOnce, columns]`). The last panel of a product is whole
// too, whatever stands in it: its columns come to nothing.
struct Tiles {
  int64_t columns, vStride, mStride;
  float *v = nullptr, *m = nullptr;

  explicit Tiles(const WinogradPlan& plan)
      : columns(panelsOf(plan.rowsAtOnce * plan.tiles) * kernels().columns + 16),
        vStride(between(plan.in * columns)),
        mStride(between(plan.outAtOnce * columns)) {}
  int64_t numbers() const { return kPlaces * (vStride + mStride); }
  const Tiles& in(float* memory) {
    v = memory;
    m = memory + kPlaces * vStride;
    return *this;
  }
};

class Winograd {
 public:
  // `x` → `y`; as a gradient, the output's → the input's
  Winograd(int64_t batch, const Maps& x, const FilterBank& filters, const float* bias, const Maps& y, bool gradient)
      : plan_(batch, x, y), x_(x), y_(y), filters_(filters), bias_(bias), gradient_(gradient), uStride_(between(plan_.outAtOnce * plan_.in)) {}

  void run() { plan_.apart ? runApart() : runTogether(); }

 private:
  const WinogradPlan plan_;
  const Maps &x_, &y_;
  const FilterBank& filters_;
  const float* bias_;  // of the first tensor's channels
  const bool gradient_;
  const int64_t uStride_;
  float* u_ = nullptr;  // filters, [16, outAtOnce, in]; of a gradient [16, in, outAtOnce]

  void take(int64_t c, TileRows rows, const Tiles& t) const {
    takeChannel(kernels().tilesOfPlane, x_, c, rows, t.v + c * t.columns, t.vStride);
  }
  // Channel `out + c`, which was channel c of the products.
  void give(int64_t out, int64_t c, TileRows rows, const Tiles& t) const {
    const float bias = bias_ && out + c < y_.channels ? bias_[out + c] : 0;
    eachPlane(y_, out + c, rows, [&](float* plane, int64_t top, int64_t bottom, int64_t tile) {
      kernels().planeOfTiles(t.m + c * t.columns + tile, t.mStride, top, bottom, bias, plane, y_.height, y_.width);
    });
  }

  void takeFilters(int64_t from, int64_t to) const {
    const int64_t count = gradient_ ? plan_.in : to - from, width = gradient_ ? to - from : plan_.in;
    sharedOut(count, 1 + (1 << 12) / width, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++)
        filters_.transform(gradient_ ? i : from + i, gradient_ ? from : 0, width, u_ + i * width, uStride_);
    });
  }

  // Turned around, a filter's transformation has its first and last rows and columns changed for each other.
  int64_t turned(int64_t place) const {
    const auto other = [](int64_t i) { return i == 0 || i == 3 ? 3 - i : i; };
    return gradient_ ? 4 * other(place / 4) + other(place % 4) : place;
  }

  int64_t panels(TileRows rows) const { return panelsOf((rows.to - rows.from) * plan_.tiles); }
  // Panels of tiles [from, to) of the product at one of the 16 places.
  void multiplyPlace(int64_t place, int64_t outputs, TileRows rows, const Tiles& t, int64_t from, int64_t to) const {
    const Term term{u_ + turned(place) * uStride_, gradient_ ? outputs : plan_.in, gradient_, t.v + place * t.vStride, t.columns, false, plan_.in};
    const Product p{term, {}, t.m + place * t.mStride, t.columns, outputs, panels(rows) * kernels().columns};
    kernels().float32(p, from, to, 0, outputs);
  }

  // All filters once, then each thread's own tiles from the input to the output.
  void runApart() {
    static thread_local Scratch filters;
    u_ = filters.floats(kPlaces * uStride_);
    takeFilters(0, plan_.out);
    sharedOut(plan_.parts(), 1, [&](int64_t from, int64_t to) {
      static thread_local Scratch scratch;
      Tiles own(plan_);
      const Tiles& t = own.in(scratch.floats(own.numbers()));
      for (int64_t part = from; part < to; part++) {
        const TileRows rows{part * plan_.rowsAtOnce, std::min(plan_.rows, (part + 1) * plan_.rowsAtOnce)};
        for (int64_t c = 0; c < plan_.in; c++) take(c, rows, t);
        for (int64_t place = 0; place < kPlaces; place++) multiplyPlace(place, plan_.out, rows, t, 0, panels(rows));
        for (int64_t c = 0; c < plan_.out; c++) give(0, c, rows, t);
      }
    });
  }

  // Stage by stage, all threads at the same tiles and filters.
  void runTogether() {
    static thread_local Scratch scratch;
    Tiles shared(plan_);
    u_ = scratch.floats(kPlaces * uStride_ + shared.numbers());
    const Tiles& t = shared.in(u_ + kPlaces * uStride_);
    for (int64_t row = 0; row < plan_.rows; row += plan_.rowsAtOnce) {
      const TileRows rows{row, std::min(plan_.rows, row + plan_.rowsAtOnce)};
      sharedOut(plan_.in, 1, [&](int64_t from, int64_t to) {
        for (int64_t c = from; c < to; c++) take(c, rows, t);
      });
      for (int64_t out = 0; out < plan_.out; out += plan_.outAtOnce) {
        const int64_t outputs = std::min(plan_.outAtOnce, plan_.out - out), wide = panels(rows);
        if (row == 0 || plan_.outAtOnce < plan_.out) takeFilters(out, out + outputs);
        sharedOutPanels(kPlaces, wide, 1, [&](int64_t place, int64_t from, int64_t to) { multiplyPlace(place, outputs, rows, t, from, to); });
        sharedOut(outputs, 1, [&](int64_t from, int64_t to) {
          for (int64_t c = from; c < to; c++) give(out, c, rows, t);
        });
      }
    }
  }
};

// The gradient of filters `[out, in, 3, 3]` from a convolution's input `x` and its output's gradient `g`. Parts of the sum over
// tiles do not depend on the threads.
void winogradFilterGradient(int64_t batch, const Maps& x, const Maps& g, float* filters) {
  const int64_t in = x.count(), tiles = x.tiles(), all = batch * x.rows();
  const int64_t outAtOnce = std::min(g.count(), std::max<int64_t>(16, kFilterNumbers / (kPlaces * in)));
  const int64_t rowsAtOnce = std::clamp<int64_t>(kTileNumbers / (kPlaces * tiles * (in + outAtOnce)), 1, all), columns = rowsAtOnce * tiles + 16;
  const int64_t vStride = between(in * columns), gStride = between(outAtOnce * columns), dStride = between(outAtOnce * in);
  static thread_local Scratch scratch;
  float* const v = scratch.floats(kPlaces * (vStride + gStride + dStride));
  float *const ofG = v + kPlaces * vStride, *const d = ofG + kPlaces * gStride;
  const int64_t wide = panelsOf(in);
  for (int64_t out = 0; out < g.count(); out += outAtOnce) {
    const int64_t outputs = std::min(outAtOnce, g.count() - out);
    for (int64_t row = 0; row < all; row += rowsAtOnce) {
      const TileRows rows{row, std::min(all, row + rowsAtOnce)};
      sharedOut(in + outputs, 1, [&](int64_t from, int64_t to) {
        for (int64_t c = from; c < to; c++)
          if (c < in) takeChannel(kernels().tilesOfPlane, x, c, rows, v + c * columns, vStride);
          else takeChannel(kernels().gradientTilesOfPlane, g, out + c - in, rows, ofG + (c - in) * columns, gStride);
      });
      sharedOutPanels(kPlaces, wide, 1, [&](int64_t place, int64_t from, int64_t to) {
        const Term term{ofG + place * gStride, columns, false, v + place * vStride, columns, true, (rows.to - rows.from) * tiles};
        const Product p{term, {}, d + place * dStride, in, outputs, in, nullptr, row > 0};
        kernels().float32(p, from, to, 0, outputs);
      });
    }
    sharedOut(outputs, 1 + (1 << 12) / in, [&](int64_t from, int64_t to) {
      kernels().filtersOfGradient(d + from * in, dStride, (to - from) * in, filters + (out + from) * in * 9);
    });
  }
}

// Tiles and channels below which transforming costs more than the products save.
constexpr int64_t kFewestTiles = 64, kFewestChannels = 32;

// Whether a convolution is one that is done so here, and faster.
bool isForWinograd(const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias, int64_t stride, int64_t padding) {
  if (kernels().columns == 0 || stride != 1 || padding != 1 || x.dim() != 4 || weight.dim() != 4 || x.numel() == 0) return false;
  const bool plain = x.is_cpu() && x.scalar_type() == at::kFloat && weight.is_cpu() && filtersFor(weight.scalar_type()) &&
                     weight.is_contiguous() && (!bias || (bias->is_cpu() && bias->numel() == weight.size(0)));
  if (!plain || weight.size(1) != x.size(1) || weight.size(2) != 3 || weight.size(3) != 3) return false;
  const int64_t tiles = x.size(0) * ((x.size(2) + 1) / 2) * ((x.size(3) + 1) / 2);
  return weight.size(0) >= kFewestChannels && weight.size(1) >= kFewestChannels && tiles >= kFewestTiles;
}

at::Tensor mapsLike(const at::Tensor& x, int64_t channels) { return at::empty({x.size(0), channels, x.size(2), x.size(3)}, x.options()); }

// `x [b, in, h, w]` → `[b, out, h, w]`, and the second filters' outputs into `more`, if there are any
at::Tensor winograd(const at::Tensor& x, const FilterBank& filters, const OptionalTensor& bias, const at::Tensor& more = {}) {
  const OptionalTensor start = bias ? OptionalTensor(bias->to(at::kFloat).contiguous()) : bias;
  at::Tensor y = mapsLike(x, filters.first.size(0));
  const Maps from(x), to(y, more);
  Winograd(x.size(0), from, filters, start ? static_cast<const float*>(start->data_ptr()) : nullptr, to, false).run();
  return y;
}

// The input's gradient: the outputs' `g [b, out, h, w]` (and of the second filters, `more`) → `[b, in, h, w]`
at::Tensor winogradGradient(const at::Tensor& g, const FilterBank& filters, const at::Tensor& more = {}) {
  at::Tensor ofX = mapsLike(g, filters.inputs());
  const Maps from(g, more), to(ofX);
  Winograd(g.size(0), from, filters, nullptr, to, true).run();
  return ofX;
}

at::Tensor winogradFilterGradient(const at::Tensor& x, const at::Tensor& g) {
  at::Tensor filters = at::empty({g.size(1), x.size(1), 3, 3}, x.options());
  winogradFilterGradient(x.size(0), Maps(x), Maps(g), static_cast<float*>(filters.data_ptr()));
  return filters;
}

}  // namespace simd
