// Group normalization on the CPU together with the shift before it and the activation after it: of a residual block's
// activations its input alone is kept. Included after elementwise.cc.
#include <torch/csrc/autograd/custom_function.h>

#include "engine.h"
#include "simd.h"

namespace {

// One group's place in its tensors; statistics are [b, groups, 2].
simd::NormGroup groupOf(const at::Tensor& x, const at::Tensor& shift, const at::Tensor& weight, const at::Tensor& bias,
                        const at::Tensor& statistics, int64_t groups, int64_t index) {
  const int64_t channels = x.size(1), of = channels / groups, group = index % groups, pixels = x.numel() / (x.size(0) * channels);
  const auto floats = [](const at::Tensor& t) { return static_cast<float*>(t.data_ptr()); };
  return {floats(x) + index * of * pixels,
          shift.defined() ? floats(shift) + index * of : nullptr,
          floats(weight) + group * of,
          floats(bias) + group * of,
          floats(statistics) + 2 * index,
          of,
          pixels};
}
int64_t grainOf(const at::Tensor& x, int64_t tasks) { return 1 + (1 << 14) * tasks / x.numel(); }

struct NormedGroups : torch::autograd::Function<NormedGroups> {
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& input, const OptionalTensor& added,
                            const at::Tensor& weight, const at::Tensor& bias, int64_t groups, double eps, bool activated) {
    const at::Tensor x = input.contiguous(), shift = added ? added->contiguous() : at::Tensor();
    const int64_t tasks = x.size(0) * groups;
    at::Tensor y = at::empty(x.sizes(), x.options()), statistics = at::empty({tasks, 2}, x.options());
    const int64_t part = x.numel() / tasks;
    simd::sharedOut(tasks, grainOf(x, tasks), [&](int64_t from, int64_t to) {
      for (int64_t i = from; i < to; i++)
        simd::kernels().normGroup(groupOf(x, shift, weight, bias, statistics, groups, i), static_cast<float*>(y.data_ptr()) + i * part,
                                  static_cast<float>(eps), activated);
    });
    ctx->save_for_backward({x, shift, weight, bias, statistics});
    ctx->saved_data["groups"] = groups;
    ctx->saved_data["activated"] = activated;
    return y;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx, torch::autograd::variable_list grads) {
    if (at::GradMode::is_enabled()) bad("group normalization has no second derivative");
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &shift = saved[1], &weight = saved[2], &bias = saved[3], &statistics = saved[4];
    const bool activated = ctx->saved_data["activated"].toBool();
    const int64_t groups = ctx->saved_data["groups"].toInt(), tasks = x.size(0) * groups, part = x.numel() / tasks;
    const int64_t of = x.size(1) / groups;
    const at::Tensor g = grads[0].contiguous();
    at::Tensor dx = at::empty(x.sizes(), x.options()), sums = at::empty({x.size(0), x.size(1), 3}, x.options());
    simd::sharedOut(tasks, grainOf(x, tasks), [&](int64_t from, int64_t to) {
      for (int64_t i = from; i < to; i++)
        simd::kernels().normGroupGradient(groupOf(x, shift, weight, bias, statistics, groups, i),
                                          static_cast<const float*>(g.data_ptr()) + i * part,
                                          static_cast<float*>(dx.data_ptr()) + i * part,
                                          static_cast<float*>(sums.data_ptr()) + 3 * i * of, activated);
    });
    // operands that are not there have no place among those that may want a gradient
    size_t next = 1;
    at::Tensor ofShift, ofWeight, ofBias;
    if (shift.defined() && ctx->needs_input_grad(next++)) ofShift = sums.select(2, 2).reshape(shift.sizes());
    if (ctx->needs_input_grad(next++)) ofWeight = sums.select(2, 1).sum(0);
    if (ctx->needs_input_grad(next++)) ofBias = sums.select(2, 0).sum(0);
    return {dx, ofShift, ofWeight, ofBias, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

// groupNorm(x [b, c, ...], shift [b, c, 1, 1]?, weight, bias, groups, eps, activated), or undefined where libtorch is to do it
NATIVE(normedGroups) {
  return guarded(env, "groupNorm", [&]() -> napi_value {
    Args a(env, info);
    const at::Tensor x = toTensor(env, a[0], "x"), weight = toTensor(env, a[2], "weight"), bias = toTensor(env, a[3], "bias");
    const OptionalTensor shift = toOptionalTensor(env, a[1], "shift");
    const int64_t groups = toInt(env, a[4], "groups");
    const bool plain = isPlainFloat(x) && isPlainFloat(weight) && isPlainFloat(bias) && weight.is_contiguous() && bias.is_contiguous() &&
                       (!shift || isPlainFloat(*shift));
    const bool fits = x.dim() >= 2 && x.numel() > 0 && groups > 0 && x.size(1) % groups == 0 && weight.numel() == x.size(1) &&
                      bias.numel() == x.size(1) && (!shift || shift->numel() == x.size(0) * x.size(1));
    if (!plain || !fits) return undefinedValue(env);  // libtorch has its own words for what does not fit
    return fromTensor(env, NormedGroups::apply(x, shift, weight, bias, groups, toDouble(env, a[5], "eps"), toBool(env, a[6], "activated")));
  });
}

}  // namespace

void registerNorm(napi_env env, napi_value exports) { exportAll(env, exports, {{"normedGroups", normedGroups}}); }
