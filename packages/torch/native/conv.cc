// Convolution layers: frozen, with a weight that may be narrower than the input, with a low-rank update, or in training.
// Included after elementwise.cc, widened.cc and winograd.cc.
#include "engine.h"
#include "simd.h"

namespace {

struct WinogradConv2d : torch::autograd::Function<WinogradConv2d> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias) {
    const at::Tensor x = input.contiguous();
    // the input is kept for a weight's gradient alone
    ctx->save_for_backward({weight.requires_grad() ? x : at::Tensor(), weight});
    ctx->saved_data["shape"] = x.sizes().vec();
    ctx->saved_data["bias"] = static_cast<bool>(bias);
    return simd::winograd(x, {weight, {}}, bias);
  }
  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], g = grads[0].contiguous();
    if (at::GradMode::is_enabled()) return recorded(ctx, x, weight, g);
    at::Tensor ofX, ofWeight, ofBias;
    if (ctx->needs_input_grad(0)) ofX = simd::winogradGradient(g, {weight, {}});
    if (ctx->needs_input_grad(1)) ofWeight = simd::winogradFilterGradient(x, g);
    if (ctx->saved_data["bias"].toBool() && ctx->needs_input_grad(2)) ofBias = g.sum({0, 2, 3});
    return {ofX, ofWeight, ofBias};
  }

 private:
  // The same by an operator that autograd can differentiate again.
  static variable_list recorded(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& g) {
    const bool hasBias = ctx->saved_data["bias"].toBool();
    // a frozen layer's gradient needs nothing of the input but its shape
    const at::Tensor from = x.defined() ? x : at::empty({1}, g.options()).expand(ctx->saved_data["shape"].toIntVector());
    const int64_t outputs = weight.size(0);
    auto [ofX, ofWeight, ofBias] = at::convolution_backward(
        g, from, weight.to(g.scalar_type()), hasBias ? at::OptionalIntArrayRef(outputs) : at::OptionalIntArrayRef(), {1, 1}, {1, 1}, {1, 1}, false,
        {0, 0}, 1, {ctx->needs_input_grad(0), ctx->needs_input_grad(1), hasBias && ctx->needs_input_grad(2)});
    return {ofX, ofWeight, ofBias};
  }
};

// Feature maps as matrices of channels by pixels, one of each picture.
at::Tensor byPixels(const at::Tensor& maps) { return maps.view({maps.size(0), maps.size(1), -1}); }
// A 1 × 1 convolution's weight as a matrix, once for each picture.
at::Tensor forEach(const at::Tensor& x, const at::Tensor& matrix) { return matrix.unsqueeze(0).expand({x.size(0), -1, -1}); }

// y = W ∗ x + b + scale · B (A ∗ x) with W and the bias frozen: A's filters stand beside W's, so that the input is transformed once.
struct AdaptedConv2d : torch::autograd::Function<AdaptedConv2d> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias,
                            const at::Tensor& a, const at::Tensor& b, double scale) {
    const at::Tensor x = input.contiguous(), up = b.flatten(1);
    const at::Tensor low = simd::mapsLike(x, a.size(0));
    const at::Tensor y = simd::winograd(x, {weight, a.contiguous()}, bias, low);
    byPixels(y).baddbmm_(forEach(x, up), byPixels(low), 1, scale);
    ctx->save_for_backward({x, weight, a, up, low});
    ctx->saved_data["scale"] = scale;
    ctx->saved_data["firstTrained"] = static_cast<int64_t>(bias ? 3 : 2);  // among the operands that are there
    return y;
  }
  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    if (at::GradMode::is_enabled()) bad("an adapted convolution has no second derivative");
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &a = saved[2], &up = saved[3], &low = saved[4], g = grads[0].contiguous();
    const double scale = ctx->saved_data["scale"].toDouble();
    const at::Tensor lowGradient = simd::mapsLike(g, a.size(0));
    at::Tensor into = byPixels(lowGradient);
    at::bmm_out(into, forEach(x, up.t().mul(scale)), byPixels(g));
    at::Tensor ofX, ofA, ofB;
    if (ctx->needs_input_grad(0)) ofX = simd::winogradGradient(g, {weight, a.contiguous()}, lowGradient);
    const auto first = static_cast<size_t>(ctx->saved_data["firstTrained"].toInt());
    if (ctx->needs_input_grad(first)) ofA = simd::winogradFilterGradient(x, lowGradient);
    if (ctx->needs_input_grad(first + 1))
      ofB = at::bmm(byPixels(g), byPixels(low).transpose(1, 2)).sum(0).mul_(scale).view({g.size(1), a.size(0), 1, 1});
    return {ofX, at::Tensor(), at::Tensor(), ofA, ofB, at::Tensor()};
  }
};

// The first five arguments: x, weight, bias?, stride, padding.
struct ConvLayer {
  FrozenLayer layer;
  int64_t stride, padding;
  bool isSame, isForWinograd;

  ConvLayer(napi_env env, const Args& a)
      : layer{toTensor(env, a[0], "x"), toTensor(env, a[1], "weight"), toOptionalTensor(env, a[2], "bias")},
        stride(toInt(env, a[3], "stride")),
        padding(toInt(env, a[4], "padding")),
        isSame(layer.x.scalar_type() == layer.weight.scalar_type()),
        isForWinograd(simd::isForWinograd(layer.x, layer.weight, layer.bias, stride, padding)) {
    const auto& [x, weight, bias] = layer;
    if (weight.is_meta() && !x.is_meta()) throw EngineError("operator", kMetaHint + describe(weight) + " cannot be used on " + describe(x));
    if (!isSame) layer = frozenLayer(env, a);
  }
};

// convLayer(x, weight, bias?, stride, padding): a weight of the input's type may be in training, a narrower one may not.
NATIVE(convLayer) {
  return guarded(env, "conv2d", [&]() -> napi_value {
    const Args a(env, info);
    const ConvLayer c(env, a);
    const auto& [x, weight, bias] = c.layer;
    if (c.isForWinograd) return fromTensor(env, WinogradConv2d::apply(x, weight, bias));
    if (c.isSame) return fromTensor(env, at::conv2d(x, weight, bias, {c.stride, c.stride}, {c.padding, c.padding}));
    return fromTensor(env, WidenedConv2d::apply(x, weight, bias, c.stride, c.padding));
  });
}

// adaptedConv2d(x, weight, bias?, stride, padding, a, b, scale), or undefined where it is to be done in steps
NATIVE(adaptedConv2d) {
  return guarded(env, "conv2d", [&]() -> napi_value {
    const Args args(env, info);
    const ConvLayer c(env, args);
    const auto& [x, weight, bias] = c.layer;
    const at::Tensor a = toTensor(env, args[5], "a"), b = toTensor(env, args[6], "b");
    if (a.dim() != 4 || b.dim() != 4 || weight.dim() != 4 || a.sizes().slice(1) != weight.sizes().slice(1) ||
        b.sizes() != at::IntArrayRef({weight.size(0), a.size(0), 1, 1}))
      bad("expected weight [out, in, k, k], a [r, in, k, k] and b [out, r, 1, 1] but received " + describe(weight) + ", " + describe(a) +
          " and " + describe(b));
    const bool isFrozen = !weight.requires_grad() && !(bias && bias->requires_grad());
    if (!c.isForWinograd || !isFrozen || !isPlainFloat(a) || !isPlainFloat(b)) return undefinedValue(env);
    return fromTensor(env, AdaptedConv2d::apply(x, weight, bias, a, b, toDouble(env, args[7], "scale")));
  });
}

}  // namespace

void registerConv(napi_env env, napi_value exports) {
  exportAll(env, exports, {{"convLayer", convLayer}, {"adaptedConv2d", adaptedConv2d}});
}
