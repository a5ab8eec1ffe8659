// Attention on the CPU without its matrix of scores; see attention-kernel.h. Included after elementwise.cc.
#include <torch/csrc/autograd/custom_function.h>

#include "engine.h"
#include "simd.h"

namespace {

// One head of a tensor [b, heads, rows, d] whose numbers along d are neighbours.
simd::Rows headOf(const at::Tensor& t, int64_t index) {
  const int64_t b = index / t.size(1), h = index % t.size(1);
  return {static_cast<float*>(t.data_ptr()) + b * t.stride(0) + h * t.stride(1), t.stride(2), t.size(2)};
}

// [b, heads, rows, d] that lies as [b, rows, heads, d], as what comes out of a projection does
at::Tensor likeProjected(const at::Tensor& t) {
  return at::empty({t.size(0), t.size(2), t.size(1), t.size(3)}, t.options()).transpose(1, 2);
}
at::Tensor neighbours(const at::Tensor& t) { return t.stride(3) == 1 ? t : t.contiguous(); }

struct Attention : torch::autograd::Function<Attention> {
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
    const at::Tensor q = neighbours(query), k = neighbours(key), v = neighbours(value), out = likeProjected(q);
    const at::Tensor logSums = at::empty({q.size(0), q.size(1), q.size(2)}, q.options());
    const int64_t heads = q.size(0) * q.size(1), rows = q.size(2), d = q.size(3), threads = at::get_num_threads();
    const int64_t parts = std::clamp<int64_t>(2 * threads / heads, 1, 1 + rows / 64);  // of a head's queries
    const float scale = static_cast<float>(1 / std::sqrt(static_cast<double>(d)));
    simd::sharedOut(heads * parts, 1, [&](int64_t a, int64_t b) {
      for (int64_t i = a; i < b; i++) {
        const int64_t head = i / parts, part = i % parts;
        simd::kernels().attend(headOf(q, head), headOf(k, head), headOf(v, head), headOf(out, head),
                               static_cast<float*>(logSums.data_ptr()) + head * rows, d, scale, part * rows / parts,
                               (part + 1) * rows / parts);
      }
    });
    ctx->save_for_backward({q, k, v, out, logSums});
    return out;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx, torch::autograd::variable_list grads) {
    if (at::GradMode::is_enabled()) bad("attention has no second derivative");
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2], &out = saved[3], &logSums = saved[4];
    const at::Tensor g = neighbours(grads[0]), ofQ = likeProjected(q), ofK = likeProjected(k), ofV = likeProjected(v);
    const int64_t rows = q.size(2), d = q.size(3);
    const float scale = static_cast<float>(1 / std::sqrt(static_cast<double>(d)));
    simd::sharedOut(q.size(0) * q.size(1), 1, [&](int64_t a, int64_t b) {
      for (int64_t i = a; i < b; i++)
        simd::kernels().attendGradient({headOf(q, i), headOf(k, i), headOf(v, i), headOf(out, i), headOf(g, i), headOf(ofQ, i),
                                        headOf(ofK, i), headOf(ofV, i), static_cast<const float*>(logSums.data_ptr()) + i * rows},
                                       d, scale);
    });
    return {ofQ, ofK, ofV};
  }
};

// attention(q, k, v), or undefined where libtorch is to do it: q [b, heads, t, d], k and v [b, heads, s, d]
NATIVE(attention) {
  return guarded(env, "attention", [&]() -> napi_value {
    Args a(env, info);
    const at::Tensor q = toTensor(env, a[0], "q"), k = toTensor(env, a[1], "k"), v = toTensor(env, a[2], "v");
    const auto fits = [&](const at::Tensor& t) {
      return t.dim() == 4 && t.size(0) == q.size(0) && t.size(1) == q.size(1) && t.size(3) == q.size(3) && t.size(2) == k.size(2);
    };
    if (q.dim() != 4 || k.dim() != 4 || !fits(k) || !fits(v))
      bad("expected q [b, heads, t, d], k and v [b, heads, s, d] but received " + describe(q) + ", " + describe(k) + " and " + describe(v));
    if (!isPlainFloat(q) || !isPlainFloat(k) || !isPlainFloat(v) || q.numel() == 0 || k.numel() == 0) return undefinedValue(env);
    return fromTensor(env, Attention::apply(q, k, v));
  });
}

}  // namespace

void registerAttention(napi_env env, napi_value exports) { exportAll(env, exports, {{"attention", attention}}); }
