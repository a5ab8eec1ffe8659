// Operations on single numbers that would be several of libtorch's, each with its own pass over memory. Included after gemm.cc.
#include <ATen/ops/cat.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/gelu_backward.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/variable.h>

#include "engine.h"
#include "simd.h"

namespace {

bool isPlainFloat(const at::Tensor& t) { return simd::kernels().columns > 0 && t.is_cpu() && t.scalar_type() == at::kFloat; }

// Rows of [value | gate] → value · gelu(gate). Keeps its input alone, which the projection before it has made anyway.
struct GatedLinear : torch::autograd::Function<GatedLinear> {
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& both) {
    ctx->save_for_backward({both});
    const int64_t n = both.size(-1) / 2;
    const at::Tensor rows = both.contiguous();
    auto sizes = both.sizes().vec();
    sizes.back() = n;
    at::Tensor y = at::empty(sizes, both.options());
    const float* from = static_cast<const float*>(rows.data_ptr());
    float* to = static_cast<float*>(y.data_ptr());
    simd::sharedOut(y.numel() / n, 1 + (1 << 14) / n, [&](int64_t a, int64_t b) {
      for (int64_t i = a; i < b; i++) simd::kernels().gatedRow(from + 2 * i * n, from + (2 * i + 1) * n, to + i * n, n);
    });
    return y;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx, torch::autograd::variable_list grads) {
    if (at::GradMode::is_enabled()) bad("a gated linear unit has no second derivative");
    const at::Tensor rows = ctx->get_saved_variables()[0].contiguous(), g = grads[0].contiguous();
    const int64_t n = g.size(-1);
    at::Tensor of = at::empty(rows.sizes(), rows.options());
    const float *from = static_cast<const float*>(rows.data_ptr()), *dy = static_cast<const float*>(g.data_ptr());
    float* to = static_cast<float*>(of.data_ptr());
    simd::sharedOut(g.numel() / n, 1 + (1 << 13) / n, [&](int64_t a, int64_t b) {
      for (int64_t i = a; i < b; i++)
        simd::kernels().gatedRowGradient(from + 2 * i * n, from + (2 * i + 1) * n, dy + i * n, to + 2 * i * n, to + (2 * i + 1) * n, n);
    });
    return {of};
  }
};

// gatedLinear(both [..., 2n])
NATIVE(gatedLinear) {
  return guarded(env, "gatedLinear", [&]() -> napi_value {
    Args args(env, info);
    const at::Tensor both = toTensor(env, args[0], "x");
    if (both.dim() < 1 || both.size(-1) % 2 != 0 || !both.is_floating_point())
      bad("expected x [..., 2n] of a floating type but received " + describe(both));
    if (both.numel() > 0 && isPlainFloat(both)) return fromTensor(env, GatedLinear::apply(both));
    const auto halves = both.chunk(2, -1);
    return fromTensor(env, halves[0].mul(at::gelu(halves[1])));
  });
}

NATIVE(kernels) {
  return guarded(env, "kernels", [&]() -> napi_value { return fromString(env, simd::kernels().name); });
}

}  // namespace

void registerElementwise(napi_env env, napi_value exports) { exportAll(env, exports, {{"gatedLinear", gatedLinear}, {"kernels", kernels}}); }
