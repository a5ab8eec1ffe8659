// Products of float32 matrices, the weight being of any floating type, on processors whose vectors simd.h knows. BLAS
// libraries copy both operands into their own order before they multiply, and know no half precision: with a few hundred
// rows, as a training step has, widening and copying a weight costs as much as the product. Here a panel of the weight is
// widened while it is copied, used for all rows while the cache has it, and never written to memory.
//
// After Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008): panels of the weight in the
// inner cache, a tile of the result in registers. Each number's sum is taken in the same order whatever the threads.
#include <ATen/TensorIterator.h>

#include "engine.h"
#include "simd.h"

namespace simd {

// What this processor computes with; `columns` 0 stands for nothing.
struct Kernels {
  const char* name = "none";
  int64_t columns = 0;  // of a panel
  ProductPart half = nullptr, bfloat16 = nullptr, float32 = nullptr;
  void (*gatedRow)(const float*, const float*, float*, int64_t) = nullptr;
  void (*gatedRowGradient)(const float*, const float*, const float*, float*, float*, int64_t) = nullptr;
  void (*attend)(const Rows&, const Rows&, const Rows&, const Rows&, float*, int64_t, float, int64_t, int64_t) = nullptr;
  void (*attendGradient)(const HeadGradient&, int64_t, float) = nullptr;
  void (*normGroup)(const NormGroup&, float*, float, bool) = nullptr;
  void (*normGroupGradient)(const NormGroup&, const float*, float*, float*, bool) = nullptr;
  PlaneTiles tilesOfPlane = nullptr, gradientTilesOfPlane = nullptr;
  void (*planeOfTiles)(const float*, int64_t, int64_t, int64_t, float, float*, int64_t, int64_t) = nullptr;
  void (*filtersOfGradient)(const float*, int64_t, int64_t, float*) = nullptr;
  Filters halfFilters = nullptr, bfloat16Filters = nullptr, floatFilters = nullptr;
};

#ifdef STILLFRAME_SIMD
#define STILLFRAME_KERNELS(isa)                                                                                            \
  Kernels {                                                                                                                \
    #isa, isa::kColumns, isa::multiplyPart<c10::Half>, isa::multiplyPart<c10::BFloat16>, isa::multiplyPart<float>,         \
        isa::gatedRow, isa::gatedRowGradient, isa::attend, isa::attendGradient, isa::normGroup, isa::normGroupGradient,    \
        isa::tilesOfPlane, isa::gradientTilesOfPlane, isa::planeOfTiles, isa::filtersOfGradient, isa::filtersOf<c10::Half>,  \
        isa::filtersOf<c10::BFloat16>, isa::filtersOf<float>                                                               \
  }

// STILLFRAME_SIMD=none or avx2 takes less than the processor has, for tests and comparisons.
Kernels kernelsOfProcessor() {
  const char* named = std::getenv("STILLFRAME_SIMD");
  const std::string wanted = named ? named : "";
  const bool fused = __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c") && __builtin_cpu_supports("avx2");
  if (!fused || wanted == "none") return {};
  const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  return wide && wanted != "avx2" ? STILLFRAME_KERNELS(avx512) : STILLFRAME_KERNELS(avx2);
}
#else
Kernels kernelsOfProcessor() { return {}; }
#endif

const Kernels& kernels() {
  static const Kernels of = kernelsOfProcessor();
  return of;
}

ProductPart partFor(c10::ScalarType type) {
  if (type == at::kHalf) return kernels().half;
  if (type == at::kBFloat16) return kernels().bfloat16;
  return type == at::kFloat ? kernels().float32 : nullptr;
}

Filters filtersFor(c10::ScalarType type) {
  if (type == at::kHalf) return kernels().halfFilters;
  if (type == at::kBFloat16) return kernels().bfloat16Filters;
  return type == at::kFloat ? kernels().floatFilters : nullptr;
}

// Calls `body` with ranges that together are [0, n), on libtorch's own threads. `at::parallel_for` is a template that
// would have to be compiled with the OpenMP runtime that libtorch has; an iterator's loop is inside libtorch.
template <class F>
void sharedOut(int64_t n, int64_t grain, const F& body) {
  at::NoGradGuard recordsNothing;
  at::Tensor tasks = at::empty({n}, at::TensorOptions(at::kByte));
  char* const begin = static_cast<char*>(tasks.data_ptr());
  auto iterator = at::TensorIterator::nullary_op(tasks);
  iterator.for_each(
      [&](char** data, const int64_t* strides, int64_t size0, int64_t size1) {
        for (int64_t i = 0; i < size1; i++) body(data[0] - begin + i * strides[1], data[0] - begin + i * strides[1] + size0);
      },
      grain);
}

int64_t panelsOf(int64_t columns) { return (columns + kernels().columns - 1) / kernels().columns; }

// Shares out the panels of several products: body(product, first panel, last) for each run of neighbours in one of them.
template <class F>
void sharedOutPanels(int64_t products, int64_t panels, int64_t grain, const F& body) {
  sharedOut(products * panels, grain, [&](int64_t from, int64_t to) {
    for (int64_t task = from; task < to;) {
      const int64_t of = task / panels, end = std::min(to, (of + 1) * panels);
      body(of, task - of * panels, end - of * panels);
      task = end;
    }
  });
}

// Into how many parts a product's rows are divided, beside its columns' panels: each thread packs the panels that it uses and
// copies the rows that it uses. Costs are in multiplications of a whole vector pair, as measured on AVX-512.
int64_t partsOf(int64_t rows, int64_t panels) {
  const int64_t threads = at::get_num_threads();
  constexpr double kPacking = 11, kCopying = 0.12;  // of a panel's width, of a row
  int64_t best = 1;
  double least = INFINITY;
  for (int64_t parts = 1; parts <= std::min<int64_t>(4 * threads, 1 + rows / 64); parts++) {
    const int64_t tasks = (panels * parts + threads - 1) / threads, touched = (tasks + panels - 1) / panels;
    const double height = static_cast<double>(rows) / parts, cost = tasks * (height + kPacking) + touched * height * kCopying;
    if (cost < least) least = cost, best = parts;
  }
  return best;
}

void multiply(const Product& p, ProductPart part) {
  const int64_t panels = panelsOf(p.columns), parts = partsOf(p.rows, panels);
  const int64_t work = p.rows * p.columns * p.main.depth;
  sharedOutPanels(parts, panels, work < (1 << 20) ? panels * parts : 1, [&](int64_t of, int64_t from, int64_t to) {
    part(p, from, to, of * p.rows / parts, (of + 1) * p.rows / parts);
  });
}

// Whether a matrix lies as rows of neighbours, or turned, as columns of them.
bool isStraight(const at::Tensor& m) { return m.stride(1) == 1 && (m.stride(0) >= m.size(1) || m.size(0) == 1); }
bool isTurned(const at::Tensor& m) { return m.stride(0) == 1 && (m.stride(1) >= m.size(0) || m.size(1) == 1); }
bool lies(const at::Tensor& m) { return m.dim() == 2 && m.is_cpu() && (isStraight(m) || isTurned(m)); }

Term termOf(const at::Tensor& x, const at::Tensor& weight) {
  const bool xTurned = !isStraight(x), weightTurned = !isStraight(weight);
  return {static_cast<const float*>(x.data_ptr()), x.stride(xTurned ? 1 : 0), xTurned,
          weight.data_ptr(), weight.stride(weightTurned ? 1 : 0), weightTurned, x.size(1)};
}

// What a product has beside its two matrices.
struct Extras {
  at::Tensor bias;            // [columns]
  at::Tensor x, weight;       // a second product that is added, both float32
};

// y = x · weight (+ bias) (+ extras.x · extras.weight), of shapes that fit; false, and nothing done, where BLAS is to do it:
// other types and processors, and what autograd is to record.
bool product(const at::Tensor& y, const at::Tensor& x, const at::Tensor& weight, const Extras& extras = {}) {
  if (kernels().columns == 0 || y.numel() == 0 || x.numel() == 0 || !lies(x) || !lies(weight) || y.stride(1) != 1) return false;
  const auto isFloat = [](const at::Tensor& t) { return t.scalar_type() == at::kFloat; };
  if (!isFloat(x) || !isFloat(y)) return false;
  if (at::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad())) return false;
  const ProductPart part = partFor(weight.scalar_type());
  const bool plainBias = !extras.bias.defined() || (isFloat(extras.bias) && extras.bias.is_contiguous());
  const bool plainUpdate = !extras.x.defined() || (isFloat(extras.x) && isFloat(extras.weight) && lies(extras.x) && lies(extras.weight));
  if (!part || !plainBias || !plainUpdate) return false;
  Product p{termOf(x, weight), {}, static_cast<float*>(y.data_ptr()), y.stride(0), x.size(0), y.size(1)};
  if (extras.x.defined()) p.update = termOf(extras.x, extras.weight);
  if (extras.bias.defined()) p.bias = static_cast<const float*>(extras.bias.data_ptr());
  multiply(p, part);
  return true;
}

}  // namespace simd
