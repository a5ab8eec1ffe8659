// Threads, random generators, devices, and what this libtorch is.
#include <c10/core/impl/DeviceGuardImplInterface.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "engine.h"

namespace {

NATIVE(setThreads) {
  return guarded(env, "setThreads", [&]() -> napi_value {
    Args a(env, info);
    at::set_num_threads(static_cast<int>(toInt(env, a[0], "threads")));
    return undefinedValue(env);
  });
}
NATIVE(getThreads) {
  return guarded(env, "getThreads", [&]() -> napi_value { return fromDouble(env, at::get_num_threads()); });
}

// generator(seed: bigint, device) → external. A device's generators are clones of its default one, reseeded,
// so that no CUDA header is needed here.
NATIVE(generator) {
  return guarded(env, "generator", [&]() -> napi_value {
    Args a(env, info);
    c10::Device device(toString(env, a[1], "device"));
    auto seed = static_cast<uint64_t>(toInt(env, a[0], "seed"));
    auto* g = new at::Generator(device.is_cpu() ? at::make_generator<at::CPUGeneratorImpl>(seed)
                                                : at::globalContext().defaultGenerator(device).clone());
    g->set_current_seed(seed);
    napi_value v;
    check(env, napi_create_external(env, g, [](napi_env, void* p, void*) { delete static_cast<at::Generator*>(p); },
                                    nullptr, &v));
    return v;
  });
}
NATIVE(generatorSeed) {
  return guarded(env, "generatorSeed", [&]() -> napi_value {
    Args a(env, info);
    at::Generator g = toGenerator(env, a[0]);
    std::lock_guard<std::mutex> lock(g.mutex());
    g.set_current_seed(static_cast<uint64_t>(toInt(env, a[1], "seed")));
    return undefinedValue(env);
  });
}
NATIVE(getGeneratorState) {
  return guarded(env, "getGeneratorState", [&]() -> napi_value {
    Args a(env, info);
    at::Generator g = toGenerator(env, a[0]);
    std::lock_guard<std::mutex> lock(g.mutex());
    return fromTensor(env, g.get_state());
  });
}
NATIVE(setGeneratorState) {
  return guarded(env, "setGeneratorState", [&]() -> napi_value {
    Args a(env, info);
    at::Generator g = toGenerator(env, a[0]);
    std::lock_guard<std::mutex> lock(g.mutex());
    g.set_state(toTensor(env, a[1], "state"));
    return undefinedValue(env);
  });
}

NATIVE(deviceCount) {
  return guarded(env, "deviceCount", [&]() -> napi_value {
    Args a(env, info);
    auto type = c10::Device(toString(env, a[0], "device")).type();
    const auto* guard = c10::impl::device_guard_impl_registry[static_cast<size_t>(type)].load();
    return fromDouble(env, guard ? guard->deviceCount() : 0);
  });
}
NATIVE(setTf32) {
  return guarded(env, "setTf32", [&]() -> napi_value {
    Args a(env, info);
    bool allow = toBool(env, a[0], "allow");
    at::globalContext().setAllowTF32CuBLAS(allow);
    at::globalContext().setAllowTF32CuDNN(allow);
    return undefinedValue(env);
  });
}
NATIVE(setDeterministic) {
  return guarded(env, "setDeterministic", [&]() -> napi_value {
    Args a(env, info);
    at::globalContext().setDeterministicCuDNN(toBool(env, a[0], "deterministic"));
    return undefinedValue(env);
  });
}
NATIVE(version) {
  return guarded(env, "version", [&]() -> napi_value { return fromString(env, TORCH_VERSION); });
}
NATIVE(buildInfo) {
  return guarded(env, "buildInfo", [&]() -> napi_value {
    return fromString(env, at::show_config() + at::get_parallel_info());
  });
}

// By default glibc gives every large block back to the system and takes it again, page fault by page fault:
// large attention spends half its time there.
NATIVE(keepHeap) {
  return guarded(env, "keepHeap", [&]() -> napi_value {
#ifdef __GLIBC__
    return fromBool(env, mallopt(M_MMAP_MAX, 0) && mallopt(M_TRIM_THRESHOLD, -1) && mallopt(M_TOP_PAD, 64 << 20));
#else
    return fromBool(env, false);
#endif
  });
}
NATIVE(trimHeap) {
  return guarded(env, "trimHeap", [&]() -> napi_value {
#ifdef __GLIBC__
    return fromBool(env, malloc_trim(0));
#else
    return fromBool(env, false);
#endif
  });
}
NATIVE(onError) {
  return guarded(env, "onError", [&]() -> napi_value {
    Args a(env, info);
    check(env, napi_create_reference(env, a[0], 1, &engineOf(env).makeError));
    return undefinedValue(env);
  });
}

}  // namespace

void registerRuntime(napi_env env, napi_value exports) {
  exportAll(env, exports,
            {{"setThreads", setThreads}, {"getThreads", getThreads}, {"generator", generator},
             {"generatorSeed", generatorSeed}, {"getGeneratorState", getGeneratorState},
             {"setGeneratorState", setGeneratorState}, {"deviceCount", deviceCount}, {"setTf32", setTf32},
             {"setDeterministic", setDeterministic}, {"version", version}, {"buildInfo", buildInfo},
             {"keepHeap", keepHeap}, {"trimHeap", trimHeap}, {"onError", onError}});
}

NAPI_MODULE_INIT() {
  auto* engine = new Engine;
  engine->running = claimRunning();
  auto release = [](napi_env, void* p, void*) {
    auto* ended = static_cast<Engine*>(p);
    releaseRunning(ended->running);
    delete ended;
  };
  if (napi_set_instance_data(env, engine, release, nullptr) != napi_ok) return nullptr;
  nameCrashes();
  return guarded(env, "load", [&]() -> napi_value {
    registerDispatch(env, exports);
    registerAutograd(env, exports);
    registerStorage(env, exports);
    registerRuntime(env, exports);
    registerElementwise(env, exports);
    registerAttention(env, exports);
    registerNorm(env, exports);
    registerConv(env, exports);
    registerLinear(env, exports);
    registerAdapted(env, exports);
    return exports;
  });
}
