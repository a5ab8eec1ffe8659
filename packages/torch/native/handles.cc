// The handle table, the environment's data and the way to JavaScript errors.
#include "engine.h"

int32_t HandleTable::add(at::Tensor t) {
  live_++;
  if (!free_.empty()) {
    int32_t handle = free_.back();
    free_.pop_back();
    slots_[handle] = std::move(t);
    return handle;
  }
  slots_.push_back(std::move(t));
  return static_cast<int32_t>(slots_.size() - 1);
}

const at::Tensor& HandleTable::get(int32_t handle) const {
  if (handle <= 0 || static_cast<size_t>(handle) >= slots_.size() || !slots_[handle].defined())
    throw EngineError("disposed", "this tensor was disposed");
  return slots_[handle];
}

at::Tensor HandleTable::take(int32_t handle) {
  if (handle <= 0 || static_cast<size_t>(handle) >= slots_.size() || !slots_[handle].defined()) return {};
  at::Tensor t = std::move(slots_[handle]);
  slots_[handle] = at::Tensor();
  free_.push_back(handle);
  live_--;
  return t;
}

Engine& engineOf(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return *static_cast<Engine*>(data);
}

void check(napi_env env, napi_status status) {
  if (status == napi_ok) return;
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (pending) throw JsPending{};
  const napi_extended_error_info* info = nullptr;
  napi_get_last_error_info(env, &info);
  bad(info && info->error_message ? info->error_message : "a Node-API call failed");
}

void throwToJs(napi_env env, const char* kind, const std::string& message, const std::string& op) {
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (pending) return;
  napi_value make = nullptr, error = nullptr, receiver = nullptr;
  Engine& engine = engineOf(env);
  if (engine.makeError && napi_get_reference_value(env, engine.makeError, &make) == napi_ok && make) {
    napi_value args[3];
    napi_create_string_utf8(env, kind, NAPI_AUTO_LENGTH, &args[0]);
    napi_create_string_utf8(env, message.data(), message.size(), &args[1]);
    napi_create_string_utf8(env, op.data(), op.size(), &args[2]);
    napi_get_undefined(env, &receiver);
    if (napi_call_function(env, receiver, make, 3, args, &error) == napi_ok) {
      napi_throw(env, error);
      return;
    }
  }
  napi_throw_error(env, kind, (op + ": " + message).c_str());
}

void exportAll(napi_env env, napi_value exports, std::initializer_list<Export> functions) {
  for (const auto& f : functions) {
    napi_value fn;
    check(env, napi_create_function(env, f.first, NAPI_AUTO_LENGTH, f.second, nullptr, &fn));
    check(env, napi_set_named_property(env, exports, f.first, fn));
  }
}
