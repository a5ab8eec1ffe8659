// Linear layers: frozen, with a weight that may be narrower than the input, or in training. Included after widened.cc.
#include <ATen/ops/addmm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>

#include "engine.h"
#include "simd.h"

namespace {

// Where libtorch multiplies, large weights are widened and used in parts that stay in the processor's cache between the two.
constexpr int64_t kPart = 1 << 19;  // numbers; two megabytes in float32

// How many rows of a weight make a part; all of them where parts would gain nothing.
int64_t rowsOfPart(const at::Tensor& weight, c10::ScalarType to) {
  if (!weight.device().is_cpu() || weight.scalar_type() == to || weight.numel() <= kPart) return weight.size(0);
  return std::max<int64_t>(64, kPart / weight.size(1));
}

// `rows [n, in]` → `[n, out]`
at::Tensor linearRows(const at::Tensor& rows, const at::Tensor& weight, const OptionalTensor& bias) {
  const auto type = rows.scalar_type();
  const int64_t out = weight.size(0), part = rowsOfPart(weight, type);
  at::Tensor y = at::empty({rows.size(0), out}, rows.options());
  if (simd::product(y, rows, weight.t(), {bias ? bias->to(type) : at::Tensor()})) return y;
  if (part >= out) return at::linear(rows, wideWeight(weight, type), widened(bias, type));
  for (int64_t from = 0; from < out; from += part) {
    const int64_t n = std::min(part, out - from);
    at::Tensor into = y.narrow(1, from, n);
    const at::Tensor wide = wideWeight(weight.narrow(0, from, n), type).t();
    if (bias) at::addmm_out(into, bias->narrow(0, from, n).to(type), rows, wide);
    else at::mm_out(into, rows, wide);
  }
  return y;
}

at::Tensor matrixProduct(const at::Tensor& x, const at::Tensor& y) {
  at::Tensor out = at::empty({x.size(0), y.size(1)}, x.options());
  return simd::product(out, x, y) ? out : x.mm(y);
}

// The input's gradient: `g [n, out]` → `[n, in]`
at::Tensor linearGradient(const at::Tensor& g, const at::Tensor& weight) {
  const auto type = g.scalar_type();
  const int64_t out = weight.size(0), part = rowsOfPart(weight, type);
  at::Tensor sum = at::empty({g.size(0), weight.size(1)}, g.options());
  if (simd::product(sum, g, weight)) return sum;
  if (part >= out) return g.mm(wideWeight(weight, type));
  for (int64_t from = 0; from < out; from += part) {
    const int64_t n = std::min(part, out - from);
    const at::Tensor mine = g.narrow(1, from, n), wide = wideWeight(weight.narrow(0, from, n), type);
    if (from == 0) at::mm_out(sum, mine, wide);
    else sum.addmm_(mine, wide);
  }
  return sum;
}

std::vector<int64_t> withLast(at::IntArrayRef sizes, int64_t last) {
  std::vector<int64_t> changed(sizes.begin(), sizes.end());
  changed.back() = last;
  return changed;
}

struct WidenedLinear : torch::autograd::Function<WidenedLinear> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias) {
    ctx->save_for_backward({weight});
    return linearRows(x.reshape({-1, x.size(-1)}), weight, bias).view(withLast(x.sizes(), weight.size(0)));
  }
  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto& g = grads[0];
    const at::Tensor weight = ctx->get_saved_variables()[0];
    const at::Tensor ofX = linearGradient(g.reshape({-1, g.size(-1)}), weight);
    return {ofX.view(withLast(g.sizes(), weight.size(1))), at::Tensor(), at::Tensor()};
  }
};

// A layer in training, in one type: the same product, and the weight's gradient by one too.
struct TrainedLinear : torch::autograd::Function<TrainedLinear> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias) {
    ctx->save_for_backward({x, weight});
    ctx->saved_data["bias"] = static_cast<bool>(bias);
    return linearRows(x.reshape({-1, x.size(-1)}), weight, bias).view(withLast(x.sizes(), weight.size(0)));
  }
  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const at::Tensor g = grads[0].reshape({-1, grads[0].size(-1)});
    at::Tensor ofX, ofWeight, ofBias;
    if (ctx->needs_input_grad(0)) ofX = linearGradient(g, weight).view(x.sizes());
    if (ctx->needs_input_grad(1)) ofWeight = matrixProduct(g.t(), x.reshape({-1, x.size(-1)}));
    if (ctx->saved_data["bias"].toBool() && ctx->needs_input_grad(2)) ofBias = g.sum(0);
    return {ofX, ofWeight, ofBias};
  }
};

// linearLayer(x, weight, bias?): a weight of the input's type may be in training, a narrower one may not.
NATIVE(linearLayer) {
  return guarded(env, "linear", [&]() -> napi_value {
    Args a(env, info);
    const at::Tensor x = toTensor(env, a[0], "x"), weight = toTensor(env, a[1], "weight");
    const OptionalTensor bias = toOptionalTensor(env, a[2], "bias");
    const bool same = x.scalar_type() == weight.scalar_type(), trained = weight.requires_grad() || (bias && bias->requires_grad());
    if (same && (!x.is_cpu() || x.scalar_type() != at::kFloat)) return fromTensor(env, at::linear(x, weight, bias));
    if (x.dim() < 1 || weight.dim() != 2 || weight.size(1) != x.size(-1) || (bias && bias->numel() != weight.size(0)))
      bad("expected x [..., in], weight [out, in] and bias [out] but received " + describe(x) + ", " + describe(weight) +
          (bias ? " and " + describe(*bias) : ""));
    if (weight.is_meta() && !x.is_meta()) throw EngineError("operator", kMetaHint + describe(weight) + " cannot multiply " + describe(x));
    if (same && trained) return fromTensor(env, TrainedLinear::apply(x, weight, bias));
    const FrozenLayer l = frozenLayer(env, a);
    return fromTensor(env, WidenedLinear::apply(l.x, l.weight, l.bias));
  });
}

}  // namespace

void registerLinear(napi_env env, napi_value exports) { exportAll(env, exports, {{"linearLayer", linearLayer}}); }
