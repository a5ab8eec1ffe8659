// A frozen linear layer with a low-rank update, forward and backward, as one operation: composed of operators it would be
// a dozen nodes of the graph and two passes more over the output. Included after linear.cc.
#include "engine.h"

namespace {

// y = x Wᵀ + b + scale · (x Aᵀ) Bᵀ, computed in the type of x; A [r, in] and B [out, r] may be wider.
struct AdaptedLinear : torch::autograd::Function<AdaptedLinear> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias,
                            const at::Tensor& a, const at::Tensor& b, double scale) {
    const auto type = x.scalar_type();
    const at::Tensor down = a.to(type), up = b.to(type), rows = x.reshape({-1, x.size(-1)});
    const at::Tensor low = matrixProduct(rows, down.t());
    at::Tensor y = at::empty({rows.size(0), weight.size(0)}, rows.options());
    if (!simd::product(y, rows, weight.t(), {bias ? bias->to(type) : at::Tensor(), low.mul(scale), up.t()})) {
      y = linearRows(rows, weight, bias);
      y.addmm_(low, up.t(), 1, scale);
    }
    ctx->save_for_backward({x, weight, down, up, low});
    ctx->saved_data["scale"] = scale;
    ctx->saved_data["firstTrained"] = static_cast<int64_t>(bias ? 3 : 2);  // among the operands that are there
    ctx->saved_data["a"] = static_cast<int64_t>(a.scalar_type());
    ctx->saved_data["b"] = static_cast<int64_t>(b.scalar_type());
    return y.view(withLast(x.sizes(), weight.size(0)));
  }
  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &down = saved[2], &up = saved[3], &low = saved[4];
    const double scale = ctx->saved_data["scale"].toDouble();
    auto typeOf = [&](const char* name) { return static_cast<c10::ScalarType>(ctx->saved_data[name].toInt()); };
    const at::Tensor g = grads[0].reshape({-1, grads[0].size(-1)});
    const at::Tensor lowGradient = matrixProduct(g, up).mul_(scale);  // [rows, r]
    at::Tensor ofX, ofA, ofB;
    if (ctx->needs_input_grad(0)) {
      ofX = at::empty({g.size(0), weight.size(1)}, g.options());
      if (!simd::product(ofX, g, weight, {{}, lowGradient, down})) ofX = linearGradient(g, weight).addmm_(lowGradient, down);
      ofX = ofX.view(x.sizes());
    }
    const auto first = static_cast<size_t>(ctx->saved_data["firstTrained"].toInt());
    if (ctx->needs_input_grad(first)) ofA = matrixProduct(lowGradient.t(), x.reshape({-1, x.size(-1)})).to(typeOf("a"));
    if (ctx->needs_input_grad(first + 1)) ofB = matrixProduct(g.t(), low.mul(scale)).to(typeOf("b"));
    return {ofX, at::Tensor(), at::Tensor(), ofA, ofB, at::Tensor()};
  }
};

// adaptedLinear(x, weight, bias?, a, b, scale)
NATIVE(adaptedLinear) {
  return guarded(env, "adaptedLinear", [&]() -> napi_value {
    Args args(env, info);
    const auto [x, weight, bias] = frozenLayer(env, args);
    const at::Tensor a = toTensor(env, args[3], "a"), b = toTensor(env, args[4], "b");
    if (x.dim() < 1 || a.dim() != 2 || b.dim() != 2 || weight.dim() != 2 || a.size(1) != x.size(-1) || weight.size(1) != x.size(-1) ||
        b.size(0) != weight.size(0) || a.size(0) != b.size(1))
      bad("expected x [..., in], weight [out, in], a [r, in] and b [out, r] but received " + describe(x) + ", " + describe(weight) +
          ", " + describe(a) + " and " + describe(b));
    return fromTensor(env, AdaptedLinear::apply(x, weight, bias, a, b, toDouble(env, args[5], "scale")));
  });
}

}  // namespace

void registerAdapted(napi_env env, napi_value exports) { exportAll(env, exports, {{"adaptedLinear", adaptedLinear}}); }
