// Reverse-mode differentiation: libtorch's own engine, asked from JavaScript.
#include "engine.h"

namespace {

bool flag(napi_env env, napi_value v) { return !isNullish(env, v) && toBool(env, v, "flag"); }
std::vector<at::Tensor> optionalTensors(napi_env env, napi_value v, const char* name) {
  return isNullish(env, v) ? std::vector<at::Tensor>() : toTensors(env, v, name);
}

// backward(outputs, gradOutputs?, retainGraph?, createGraph?, inputs?)
NATIVE(backward) {
  return guarded(env, "backward", [&]() -> napi_value {
    Args a(env, info);
    torch::autograd::backward(toTensors(env, a[0], "outputs"), optionalTensors(env, a[1], "gradOutputs"), flag(env, a[2]),
                              flag(env, a[3]), optionalTensors(env, a[4], "inputs"));
    return undefinedValue(env);
  });
}

// grad(outputs, inputs, gradOutputs?, retainGraph?, createGraph?, allowUnused?) → handles, 0 where unused
NATIVE(grad) {
  return guarded(env, "grad", [&]() -> napi_value {
    Args a(env, info);
    return fromTensors(env, torch::autograd::grad(toTensors(env, a[0], "outputs"), toTensors(env, a[1], "inputs"),
                                                  optionalTensors(env, a[2], "gradOutputs"), flag(env, a[3]),
                                                  flag(env, a[4]), flag(env, a[5])));
  });
}

NATIVE(setGradEnabled) {
  return guarded(env, "setGradEnabled", [&]() -> napi_value {
    Args a(env, info);
    bool before = c10::GradMode::is_enabled();
    c10::GradMode::set_enabled(toBool(env, a[0], "enabled"));
    return fromBool(env, before);
  });
}

NATIVE(getGrad) {
  return guarded(env, "grad", [&]() -> napi_value {
    Args a(env, info);
    return fromTensor(env, toTensor(env, a[0], "self").grad());
  });
}

NATIVE(setGrad) {
  return guarded(env, "grad", [&]() -> napi_value {
    Args a(env, info);
    at::Tensor t = toTensor(env, a[0], "self");
    at::Tensor g = isNullish(env, a[1]) ? at::Tensor() : toTensor(env, a[1], "grad");
    // C++ takes anything here; a gradient of another kind would only fail, or broadcast, much later
    if (g.defined() && (g.is_same(t) || g.sizes() != t.sizes() || g.scalar_type() != t.scalar_type() || g.device() != t.device()))
      bad("expected another tensor like " + describe(t) + " for grad but received " + describe(g));
    t.mutable_grad() = std::move(g);
    return undefinedValue(env);
  });
}

NATIVE(requiresGrad) {
  return guarded(env, "requiresGrad", [&]() -> napi_value {
    Args a(env, info);
    return fromBool(env, toTensor(env, a[0], "self").requires_grad());
  });
}

NATIVE(setRequiresGrad) {
  return guarded(env, "requiresGrad_", [&]() -> napi_value {
    Args a(env, info);
    at::Tensor t = toTensor(env, a[0], "self");
    t.requires_grad_(toBool(env, a[1], "requiresGrad"));
    return undefinedValue(env);
  });
}

}  // namespace

void registerAutograd(napi_env env, napi_value exports) {
  exportAll(env, exports,
            {{"backward", backward}, {"grad", grad}, {"setGradEnabled", setGradEnabled}, {"getGrad", getGrad},
             {"setGrad", setGrad}, {"requiresGrad", requiresGrad}, {"setRequiresGrad", setRequiresGrad}});
}
