// What the addon's files share: the handle table of one JavaScript environment, errors, argument reading.
#pragma once
#define NAPI_VERSION 9
#include <node_api.h>

#include <atomic>
#include <string>
#include <vector>

#include "compat.h"

// A JavaScript exception is already pending: unwind to the entry point and return.
struct JsPending {};

// A bad argument or a disposed handle: becomes the JavaScript error class named by `kind`.
struct EngineError : std::runtime_error {
  const char* kind;
  EngineError(const char* kind, const std::string& message) : std::runtime_error(message), kind(kind) {}
};

// Tensors of one JavaScript environment (the main thread or a worker). A handle is an index; 0 is "no tensor".
// One table for each environment, so no lock: a worker's tensors go when the worker goes.
class HandleTable {
 public:
  int32_t add(at::Tensor t);
  const at::Tensor& get(int32_t handle) const;  // throws DisposedError
  at::Tensor take(int32_t handle);              // undefined tensor when already free
  int64_t live() const { return live_; }

 private:
  std::vector<at::Tensor> slots_{1};
  std::vector<int32_t> free_;
  int64_t live_ = 0;
};

struct Engine {
  HandleTable tensors;
  napi_ref makeError = nullptr;  // (kind, message, operator) => Error
  std::atomic<const char*>* running = nullptr;  // what a crash would name; see crash.cc
};

Engine& engineOf(napi_env env);
void check(napi_env env, napi_status status);
void throwToJs(napi_env env, const char* kind, const std::string& message, const std::string& op);
[[noreturn]] inline void bad(const std::string& message) { throw EngineError("invalid", message); }

// Says what native code is running, so that a crash can name it. `name` must outlive the call.
class Running {
 public:
  Running(napi_env env, const char* name) : place_(*engineOf(env).running), before_(place_.load(std::memory_order_relaxed)) {
    place_.store(name, std::memory_order_relaxed);
  }
  ~Running() { place_.store(before_, std::memory_order_relaxed); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  std::atomic<const char*>& place_;
  const char* before_;
};
void nameCrashes();
std::atomic<const char*>* claimRunning();
void releaseRunning(std::atomic<const char*>* place);

// Every native function runs inside this: C++ exceptions of any kind become JavaScript errors.
template <class F>
napi_value guarded(napi_env env, const char* where, F&& body) {
  Running running(env, where);
  try {
    return body();
  } catch (const JsPending&) {
  } catch (const EngineError& e) {
    throwToJs(env, e.kind, e.what(), where);
  } catch (const c10::Error& e) {
    throwToJs(env, "operator", e.what_without_backtrace(), where);
  } catch (const std::bad_alloc&) {
    throwToJs(env, "operator", "out of memory", where);
  } catch (const std::exception& e) {
    throwToJs(env, "operator", e.what(), where);
  } catch (...) {
    throwToJs(env, "operator", "an exception of unknown type", where);
  }
  return nullptr;
}

// The arguments of one call. Missing ones read as undefined.
struct Args {
  static constexpr size_t kMax = 24;
  napi_value v[kMax];
  size_t n = kMax;
  void* data = nullptr;
  Args(napi_env env, napi_callback_info info) {
    check(env, napi_get_cb_info(env, info, &n, v, nullptr, &data));
    if (n > kMax) bad("too many arguments");
  }
  napi_value operator[](size_t i) const { return v[i]; }
};

// JavaScript → C++. All integers are checked: Node-API alone would turn NaN into 0 and 1.9 into 1.
napi_valuetype typeOf(napi_env env, napi_value v);
std::string shown(napi_env env, napi_value v);
bool isNullish(napi_env env, napi_value v);
double toDouble(napi_env env, napi_value v, const char* name);
int64_t toInt(napi_env env, napi_value v, const char* name);
bool toBool(napi_env env, napi_value v, const char* name);
std::string toString(napi_env env, napi_value v, const char* name);
std::vector<int64_t> toInts(napi_env env, napi_value v, const char* name);
at::ScalarType toDtype(napi_env env, napi_value v);
const at::Tensor& toTensor(napi_env env, napi_value v, const char* name);
OptionalTensor toOptionalTensor(napi_env env, napi_value v, const char* name);
std::vector<at::Tensor> toTensors(napi_env env, napi_value v, const char* name);
const at::Generator& toGenerator(napi_env env, napi_value v);

// C++ → JavaScript.
napi_value fromTensor(napi_env env, at::Tensor t);
napi_value fromTensors(napi_env env, const std::vector<at::Tensor>& ts);
napi_value fromDouble(napi_env env, double v);
napi_value fromBool(napi_env env, bool v);
napi_value fromString(napi_env env, const std::string& v);
napi_value fromInts(napi_env env, c10::ArrayRef<int64_t> v);
napi_value undefinedValue(napi_env env);

// One operator of the dispatcher, resolved once.
enum class Kind : uint8_t {
  Tensor, Scalar, Int, Float, Bool, String, Dtype, Layout, Device, MemoryFormat, Generator,
  Tensors, OptionalTensors, Ints, Floats, Bools, Scalars, Strings, Unsupported
};
struct Slot {
  Kind kind;
  bool optional;
  bool hasDefault;
  int32_t repeat;  // n of `int[n]`: a single integer stands for n equal ones
  c10::IValue byDefault;
  std::string name;
};
c10::IValue toIValue(napi_env env, napi_value v, const Slot& slot);
napi_value fromIValue(napi_env env, c10::IValue&& v, Kind kind);
std::string describe(const at::Tensor& t);
constexpr const char* kMetaHint = "a weight was declared but never loaded or initialized (device meta). ";

#define NATIVE(name) static napi_value name(napi_env env, napi_callback_info info)
using Export = std::pair<const char*, napi_callback>;
void exportAll(napi_env env, napi_value exports, std::initializer_list<Export> functions);
void registerDispatch(napi_env env, napi_value exports);
void registerAutograd(napi_env env, napi_value exports);
void registerStorage(napi_env env, napi_value exports);
void registerRuntime(napi_env env, napi_value exports);
void registerElementwise(napi_env env, napi_value exports);
void registerAttention(napi_env env, napi_value exports);
void registerNorm(napi_env env, napi_value exports);
void registerConv(napi_env env, napi_value exports);
void registerLinear(napi_env env, napi_value exports);
void registerAdapted(napi_env env, napi_value exports);
