// Operators by name: one path serves them all. The dispatcher brings autograd, dtypes and devices.
#include <memory>
#include <unordered_map>
#include <mutex>

#include "engine.h"

namespace {

struct Operator {
  c10::OperatorHandle handle;
  std::string name;
  std::vector<Slot> slots;
  std::vector<Kind> results;
  int aliased = -1;  // in-place operators give back this argument
};

Kind kindOf(const c10::TypePtr& type, bool& optional, bool inList = false) {
  using TK = c10::TypeKind;
  if (compat::isIntegerType(type->kind())) return Kind::Int;
  switch (type->kind()) {
    case TK::OptionalType: {
      optional = true;
      bool nested = false;
      return kindOf(type->castRaw<c10::OptionalType>()->getElementType(), nested, inList);
    }
    case TK::TensorType: return Kind::Tensor;
    case TK::NumberType: return Kind::Scalar;
    case TK::FloatType: return Kind::Float;
    case TK::BoolType: return Kind::Bool;
    case TK::StringType: return Kind::String;
    case TK::ScalarTypeType: return Kind::Dtype;
    case TK::LayoutType: return Kind::Layout;
    case TK::DeviceObjType: return Kind::Device;
    case TK::MemoryFormatType: return Kind::MemoryFormat;
    case TK::GeneratorType: return Kind::Generator;
    case TK::ListType: {
      if (inList) return Kind::Unsupported;
      bool optionalElement = false;
      switch (kindOf(type->castRaw<c10::ListType>()->getElementType(), optionalElement, true)) {
        case Kind::Tensor: return optionalElement ? Kind::OptionalTensors : Kind::Tensors;
        case Kind::Int: return Kind::Ints;
        case Kind::Float: return Kind::Floats;
        case Kind::Bool: return Kind::Bools;
        case Kind::Scalar: return Kind::Scalars;
        case Kind::String: return Kind::Strings;
        default: return Kind::Unsupported;
      }
    }
    default: return Kind::Unsupported;
  }
}

// Process-wide and never destroyed: static destructors must not run over tables that workers may still use.
const Operator* resolve(const std::string& name, const std::string& overload) {
  static auto* table = new std::unordered_map<std::string, std::unique_ptr<Operator>>;
  static auto* mutex = new std::mutex;
  std::lock_guard<std::mutex> lock(*mutex);
  const std::string key = name + "." + overload;
  auto found = table->find(key);
  if (found != table->end()) return found->second.get();
  auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
  if (!handle) return nullptr;
  auto op = std::make_unique<Operator>(Operator{*handle, overload.empty() ? name : key, {}, {}, -1});
  const auto& schema = handle->schema();
  if (schema.arguments().size() > Args::kMax) bad(key + " has more arguments than a call here can pass");
  const bool givesBack = schema.returns().size() == 1 && schema.returns()[0].alias_info() && schema.returns()[0].alias_info()->isWrite();
  for (size_t i = 0; i < schema.arguments().size(); i++) {
    const auto& a = schema.arguments()[i];
    Slot s{Kind::Unsupported, false, a.default_value().has_value(), static_cast<int32_t>(a.N().value_or(0)), {}, a.name()};
    s.kind = kindOf(a.real_type(), s.optional);
    if (s.hasDefault) s.byDefault = *a.default_value();
    if (givesBack && a.alias_info() && a.alias_info()->isWrite() && op->aliased < 0) op->aliased = static_cast<int>(i);
    op->slots.push_back(std::move(s));
  }
  for (const auto& r : schema.returns()) {
    bool optional = false;
    op->results.push_back(kindOf(r.real_type(), optional));
  }
  return table->emplace(key, std::move(op)).first->second.get();
}

constexpr size_t kShown = 8;  // operands of one list that a message describes

std::string failure(napi_env env, const Operator& op, const Args& args, const std::string& message) {
  std::string operands;
  bool meta = false;
  auto mention = [&](const std::string& name, const at::Tensor& t) {
    meta = meta || t.is_meta();
    operands += (operands.empty() ? "" : ", ") + name + " " + describe(t);
  };
  for (size_t i = 0; i < op.slots.size() && i < args.n; i++) {
    const auto& slot = op.slots[i];
    if (isNullish(env, args[i])) continue;
    if (slot.kind == Kind::Tensor) mention(slot.name, toTensor(env, args[i], slot.name.c_str()));
    if (slot.kind != Kind::Tensors) continue;
    auto list = toTensors(env, args[i], slot.name.c_str());
    for (size_t j = 0; j < list.size() && j < kShown; j++) mention(slot.name + "[" + std::to_string(j) + "]", list[j]);
    if (list.size() > kShown) operands += ", … " + std::to_string(list.size()) + " in all";
  }
  std::string text = message;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (meta) text = kMetaHint + text;
  return text + (operands.empty() ? "" : "\n  operands: " + operands);
}

NATIVE(call) {
  return guarded(env, "operator", [&]() -> napi_value {
    Args args(env, info);
    const auto* op = static_cast<const Operator*>(args.data);
    Running running(env, op->name.c_str());
    try {
      torch::jit::Stack stack;
      stack.reserve(op->slots.size());
      for (size_t i = 0; i < op->slots.size(); i++) {
        if (i >= args.n && op->slots[i].hasDefault) stack.push_back(op->slots[i].byDefault);
        else stack.push_back(toIValue(env, args[i], op->slots[i]));
      }
      op->handle.callBoxed(stack);
      if (op->aliased >= 0) return args[op->aliased];
      if (stack.size() == 1) return fromIValue(env, std::move(stack[0]), op->results[0]);
      if (stack.empty()) return undefinedValue(env);
      napi_value array;
      check(env, napi_create_array_with_length(env, stack.size(), &array));
      for (size_t i = 0; i < stack.size(); i++)
        check(env, napi_set_element(env, array, i, fromIValue(env, std::move(stack[i]), op->results[i])));
      return array;
    } catch (const JsPending&) {
      throw;
    } catch (const EngineError& e) {
      throwToJs(env, e.kind, e.what(), op->name);
    } catch (const c10::Error& e) {
      throwToJs(env, "operator", failure(env, *op, args, e.what_without_backtrace()), op->name);
    } catch (const std::bad_alloc&) {
      throwToJs(env, "operator", failure(env, *op, args, "out of memory"), op->name);
    } catch (const std::exception& e) {
      throwToJs(env, "operator", failure(env, *op, args, e.what()), op->name);
    } catch (...) {
      throwToJs(env, "operator", failure(env, *op, args, "an exception of unknown type"), op->name);
    }
    return nullptr;
  });
}

// bind(name, overload) → function, or undefined where this libtorch has no such operator
NATIVE(bind) {
  return guarded(env, "bind", [&]() -> napi_value {
    Args args(env, info);
    const Operator* op = resolve(toString(env, args[0], "name"), toString(env, args[1], "overload"));
    if (!op) return undefinedValue(env);
    napi_value f;
    check(env, napi_create_function(env, op->name.c_str(), NAPI_AUTO_LENGTH, call, const_cast<Operator*>(op), &f));
    return f;
  });
}

// schema(name, overload) → { text, args: [{name, kind, optional, hasDefault, keywordOnly, writes}], returns: [kind] }
NATIVE(schema) {
  return guarded(env, "schema", [&]() -> napi_value {
    Args args(env, info);
    auto name = toString(env, args[0], "name"), overload = toString(env, args[1], "overload");
    const Operator* op = resolve(name, overload);
    if (!op) return undefinedValue(env);
    const auto& s = op->handle.schema();
    auto set = [&](napi_value o, const char* k, napi_value v) { check(env, napi_set_named_property(env, o, k, v)); };
    napi_value result, list, returns;
    check(env, napi_create_object(env, &result));
    check(env, napi_create_array(env, &list));
    check(env, napi_create_array(env, &returns));
    for (size_t i = 0; i < op->slots.size(); i++) {
      const auto& a = s.arguments()[i];
      napi_value o;
      check(env, napi_create_object(env, &o));
      set(o, "name", fromString(env, a.name()));
      set(o, "kind", fromDouble(env, static_cast<int>(op->slots[i].kind)));
      set(o, "optional", fromBool(env, op->slots[i].optional));
      set(o, "hasDefault", fromBool(env, op->slots[i].hasDefault));
      set(o, "keywordOnly", fromBool(env, a.kwarg_only()));
      set(o, "writes", fromBool(env, a.alias_info() && a.alias_info()->isWrite()));
      check(env, napi_set_element(env, list, i, o));
    }
    for (size_t i = 0; i < op->results.size(); i++)
      check(env, napi_set_element(env, returns, i, fromDouble(env, static_cast<int>(op->results[i]))));
    set(result, "text", fromString(env, c10::toString(s)));
    set(result, "args", list);
    set(result, "returns", returns);
    return result;
  });
}

}  // namespace

void registerDispatch(napi_env env, napi_value exports) { exportAll(env, exports, {{"bind", bind}, {"schema", schema}}); }
