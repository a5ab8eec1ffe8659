// Frozen weights that are kept in half precision and computed with in a wider type: a weight is widened for each use and
// freed again. Autograd keeps the narrow weight alone, neither its wide copy nor the layer's input.
#include <ATen/ops/conv2d.h>
#include <ATen/ops/convolution_backward.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/variable.h>

#include "engine.h"

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// On the CPU every wide weight goes through one buffer of its thread: fresh ones would leave holes between the activations
// that are kept, gigabytes over a whole network, and this one stays in the processor's cache. An operator is done with its
// weight when it returns there. A GPU has a caching allocator, and no such promise.
at::Tensor wideWeight(const at::Tensor& weight, c10::ScalarType to) {
  if (!weight.device().is_cpu() || weight.scalar_type() == to) return weight.to(to);
  static thread_local at::Tensor buffer;
  const int64_t bytes = weight.numel() * static_cast<int64_t>(c10::elementSize(to));
  if (!buffer.defined() || buffer.numel() < bytes) buffer = at::empty({bytes}, at::TensorOptions(at::kByte));
  at::Tensor wide = at::from_blob(buffer.data_ptr(), weight.sizes(), at::TensorOptions(to));
  return wide.copy_(weight);
}
OptionalTensor widened(const OptionalTensor& t, c10::ScalarType to) { return t ? OptionalTensor(t->to(to)) : t; }

struct WidenedConv2d : torch::autograd::Function<WidenedConv2d> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias,
                            int64_t stride, int64_t padding) {
    ctx->save_for_backward({weight});
    ctx->saved_data["shape"] = x.sizes().vec();
    ctx->saved_data["stride"] = stride;
    ctx->saved_data["padding"] = padding;
    return at::conv2d(x, wideWeight(weight, x.scalar_type()), widened(bias, x.scalar_type()), {stride, stride}, {padding, padding});
  }
  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto& g = grads[0];
    const int64_t stride = ctx->saved_data["stride"].toInt(), padding = ctx->saved_data["padding"].toInt();
    // the input's gradient needs nothing of the input but its shape
    const at::Tensor shape = at::empty({1}, g.options()).expand(ctx->saved_data["shape"].toIntVector());
    const at::Tensor weight = wideWeight(ctx->get_saved_variables()[0], g.scalar_type());
    auto gradient = at::convolution_backward(g, shape, weight, at::OptionalIntArrayRef(), {stride, stride}, {padding, padding}, {1, 1},
                                             false, {0, 0}, 1, {true, false, false});
    return {std::get<0>(gradient), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

// A layer without gradients of its own, and its input.
struct FrozenLayer {
  at::Tensor x, weight;
  OptionalTensor bias;
};

// The first three arguments: x, weight, bias?. A weight in training needs its own gradient, which these layers do not have.
FrozenLayer frozenLayer(napi_env env, const Args& a) {
  FrozenLayer l{toTensor(env, a[0], "x"), toTensor(env, a[1], "weight"),
                toOptionalTensor(env, a[2], "bias")};
  if (l.weight.requires_grad() || (l.bias && l.bias->requires_grad()))
    bad("expected a frozen weight and bias but received " + describe(l.weight) + " that are trained");
  if (!l.x.is_floating_point() || !l.weight.is_floating_point() || l.weight.element_size() > l.x.element_size())
    bad("expected a weight of a type not wider than the input's but received " + describe(l.weight) + " for " + describe(l.x));
  return l;
}

}  // namespace
