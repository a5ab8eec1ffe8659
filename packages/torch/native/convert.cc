// Values between JavaScript and libtorch, by the operator's own schema.
#include <cmath>
#include <sstream>

#include "engine.h"

namespace {

constexpr double kMaxSafe = 9007199254740991.0;

// `expected <what> for <name> but received <value>`
[[noreturn]] void wrong(napi_env env, const char* what, const char* name, napi_value v) {
  bad(std::string("expected ") + what + " for " + name + " but received " + shown(env, v));
}

uint32_t arrayLength(napi_env env, napi_value v, const char* name) {
  uint32_t n = 0;
  if (napi_get_array_length(env, v, &n) != napi_ok) wrong(env, "an array", name, v);
  return n;
}
napi_value element(napi_env env, napi_value v, uint32_t i) {
  napi_value e;
  check(env, napi_get_element(env, v, i, &e));
  return e;
}
// JavaScript has one number type: integers become int64 scalars, which keep a float tensor's dtype all the same.
at::Scalar toScalar(napi_env env, napi_value v, const char* name) {
  if (typeOf(env, v) == napi_boolean) return at::Scalar(toBool(env, v, name));
  if (typeOf(env, v) == napi_bigint) return at::Scalar(toInt(env, v, name));
  double d = toDouble(env, v, name);
  bool integral = d == std::floor(d) && std::abs(d) <= kMaxSafe && !(d == 0 && std::signbit(d));
  return integral ? at::Scalar(static_cast<int64_t>(d)) : at::Scalar(d);
}

template <class T, class Read>
c10::List<T> toList(napi_env env, napi_value v, const char* name, Read read) {
  c10::List<T> list;
  uint32_t n = arrayLength(env, v, name);
  list.reserve(n);
  for (uint32_t i = 0; i < n; i++) list.push_back(read(env, element(env, v, i), name));
  return list;
}

at::MemoryFormat toMemoryFormat(const std::string& s) {
  if (s == "contiguous") return at::MemoryFormat::Contiguous;
  if (s == "preserve") return at::MemoryFormat::Preserve;
  if (s == "channelsLast") return at::MemoryFormat::ChannelsLast;
  bad("expected contiguous, preserve or channelsLast for memoryFormat but received \"" + s + "\"");
}

}  // namespace

napi_valuetype typeOf(napi_env env, napi_value v) {
  napi_valuetype t;
  check(env, napi_typeof(env, v, &t));
  return t;
}
std::string shown(napi_env env, napi_value v) {
  napi_value text;
  switch (typeOf(env, v)) {
    case napi_string: return "\"" + toString(env, v, "text").substr(0, 120) + "\"";
    case napi_function: return "a function";
    case napi_symbol: return "a symbol";
    case napi_external: return "a native object";
    case napi_object: {
      bool array = false;
      check(env, napi_is_array(env, v, &array));
      return array ? "an array" : "an object";
    }
    default: check(env, napi_coerce_to_string(env, v, &text)); return toString(env, text, "text");
  }
}
bool isNullish(napi_env env, napi_value v) {
  auto t = typeOf(env, v);
  return t == napi_undefined || t == napi_null;
}
double toDouble(napi_env env, napi_value v, const char* name) {
  double d;
  if (napi_get_value_double(env, v, &d) != napi_ok) wrong(env, "a number", name, v);
  return d;
}
int64_t toInt(napi_env env, napi_value v, const char* name) {
  double d;
  if (napi_get_value_double(env, v, &d) == napi_ok) {
    if (d == std::floor(d) && std::abs(d) <= kMaxSafe) return static_cast<int64_t>(d);
    wrong(env, "an integer", name, v);
  }
  int64_t i;
  bool lossless = false;
  if (napi_get_value_bigint_int64(env, v, &i, &lossless) != napi_ok) wrong(env, "an integer", name, v);
  if (!lossless) wrong(env, "a 64-bit integer", name, v);
  return i;
}
bool toBool(napi_env env, napi_value v, const char* name) {
  bool b;
  if (napi_get_value_bool(env, v, &b) != napi_ok) wrong(env, "true or false", name, v);
  return b;
}
std::string toString(napi_env env, napi_value v, const char* name) {
  size_t n;
  if (napi_get_value_string_utf8(env, v, nullptr, 0, &n) != napi_ok) wrong(env, "a string", name, v);
  std::string s(n, 0);
  check(env, napi_get_value_string_utf8(env, v, &s[0], n + 1, &n));
  return s;
}
std::vector<int64_t> toInts(napi_env env, napi_value v, const char* name) {
  std::vector<int64_t> r;
  uint32_t n = arrayLength(env, v, name);
  r.reserve(n);
  for (uint32_t i = 0; i < n; i++) r.push_back(toInt(env, element(env, v, i), name));
  return r;
}
at::ScalarType toDtype(napi_env env, napi_value v) {
  int64_t i = toInt(env, v, "dtype");
  if (i < 0 || i >= static_cast<int64_t>(at::ScalarType::NumOptions)) bad("unknown dtype");
  return static_cast<at::ScalarType>(i);
}
const at::Tensor& toTensor(napi_env env, napi_value v, const char* name) {
  int32_t handle;
  if (napi_get_value_int32(env, v, &handle) != napi_ok) wrong(env, "a Tensor", name, v);
  try {
    return engineOf(env).tensors.get(handle);
  } catch (const EngineError&) {
    throw EngineError("disposed", std::string("the tensor given as ") + name + " was disposed");
  }
}

OptionalTensor toOptionalTensor(napi_env env, napi_value v, const char* name) {
  return isNullish(env, v) ? OptionalTensor() : OptionalTensor(toTensor(env, v, name));
}
std::vector<at::Tensor> toTensors(napi_env env, napi_value v, const char* name) {
  std::vector<at::Tensor> r;
  bool typed = false;
  check(env, napi_is_typedarray(env, v, &typed));
  if (typed) {  // the usual way: all handles in one Int32Array; 0 stands for "none"
    napi_typedarray_type type;
    size_t n;
    void* p;
    check(env, napi_get_typedarray_info(env, v, &type, &n, &p, nullptr, nullptr));
    if (type != napi_int32_array) wrong(env, "a list of tensors", name, v);
    const auto& table = engineOf(env).tensors;
    r.reserve(n);
    for (size_t i = 0; i < n; i++) {
      int32_t handle = static_cast<int32_t*>(p)[i];
      if (handle == -1) {
        r.emplace_back();
        continue;
      }
      try {
        r.push_back(table.get(handle));
      } catch (const EngineError&) {
        throw EngineError("disposed", std::string("tensor ") + std::to_string(i) + " of " + name + " was disposed");
      }
    }
    return r;
  }
  wrong(env, "a list of tensors", name, v);
}
const at::Generator& toGenerator(napi_env env, napi_value v) {
  void* p = nullptr;
  if (napi_get_value_external(env, v, &p) != napi_ok || !p) wrong(env, "a Generator", "generator", v);
  return *static_cast<at::Generator*>(p);
}

c10::IValue toIValue(napi_env env, napi_value v, const Slot& s) {
  const char* name = s.name.c_str();
  int32_t handle;
  if (s.kind == Kind::Tensor && napi_get_value_int32(env, v, &handle) == napi_ok) return toTensor(env, v, name);
  napi_valuetype type = typeOf(env, v);
  if (type == napi_undefined && s.hasDefault) return s.byDefault;
  if (type == napi_undefined || type == napi_null) {
    if (s.optional) return c10::IValue();
    wrong(env, s.kind == Kind::Tensor ? "a Tensor" : "a value", name, v);
  }
  switch (s.kind) {
    case Kind::Tensor: return toTensor(env, v, name);
    case Kind::Scalar: return toScalar(env, v, name);
    case Kind::Int: return toInt(env, v, name);
    case Kind::Float: return toDouble(env, v, name);
    case Kind::Bool: return toBool(env, v, name);
    case Kind::String: return toString(env, v, name);
    case Kind::Dtype: return static_cast<int64_t>(toDtype(env, v));
    case Kind::Layout: return static_cast<int64_t>(at::kStrided);
    case Kind::Device: return c10::Device(toString(env, v, name));
    case Kind::MemoryFormat: return static_cast<int64_t>(toMemoryFormat(toString(env, v, name)));
    case Kind::Generator: return toGenerator(env, v);
    case Kind::Tensors: return c10::List<at::Tensor>(toTensors(env, v, name));
    case Kind::OptionalTensors: return compat::optionalTensorList(toTensors(env, v, name));
    case Kind::Ints:
      if (type == napi_number) {
        c10::List<int64_t> list;
        for (int i = 0; i < std::max(1, s.repeat); i++) list.push_back(toInt(env, v, name));
        return list;
      }
      return toList<int64_t>(env, v, name, toInt);
    case Kind::Floats: return toList<double>(env, v, name, toDouble);
    case Kind::Bools: return toList<bool>(env, v, name, toBool);
    case Kind::Scalars: return toList<at::Scalar>(env, v, name, toScalar);
    case Kind::Strings: return toList<std::string>(env, v, name, toString);
    case Kind::Unsupported: break;
  }
  bad(std::string("the type of argument ") + name + " is not supported");
}

napi_value undefinedValue(napi_env env) {
  napi_value v;
  check(env, napi_get_undefined(env, &v));
  return v;
}
napi_value fromDouble(napi_env env, double d) {
  napi_value v;
  check(env, napi_create_double(env, d, &v));
  return v;
}
napi_value fromBool(napi_env env, bool b) {
  napi_value v;
  check(env, napi_get_boolean(env, b, &v));
  return v;
}
napi_value fromString(napi_env env, const std::string& s) {
  napi_value v;
  check(env, napi_create_string_utf8(env, s.data(), s.size(), &v));
  return v;
}
napi_value fromTensor(napi_env env, at::Tensor t) {
  napi_value v;
  check(env, napi_create_int32(env, t.defined() ? engineOf(env).tensors.add(std::move(t)) : 0, &v));
  return v;
}
template <class List, class One>
static napi_value fromList(napi_env env, const List& list, One one) {
  napi_value array;
  check(env, napi_create_array_with_length(env, list.size(), &array));
  uint32_t i = 0;
  for (const auto& e : list) check(env, napi_set_element(env, array, i++, one(e)));
  return array;
}
napi_value fromTensors(napi_env env, const std::vector<at::Tensor>& ts) {
  return fromList(env, ts, [&](const at::Tensor& t) { return fromTensor(env, t); });
}
napi_value fromInts(napi_env env, c10::ArrayRef<int64_t> v) {
  return fromList(env, v, [&](int64_t i) { return fromDouble(env, static_cast<double>(i)); });
}
napi_value fromIValue(napi_env env, c10::IValue&& v, Kind kind) {
  if (v.isNone()) return undefinedValue(env);
  switch (kind) {
    case Kind::Tensor: return fromTensor(env, std::move(v).toTensor());
    case Kind::Tensors: return fromTensors(env, v.toTensorVector());
    case Kind::Bool: return fromBool(env, v.toBool());
    case Kind::Int: return fromDouble(env, static_cast<double>(v.toInt()));
    case Kind::Float: return fromDouble(env, v.toDouble());
    case Kind::Scalar: {
      at::Scalar s = v.toScalar();
      return s.isBoolean() ? fromBool(env, s.toBool()) : fromDouble(env, s.toDouble());
    }
    case Kind::Ints: return fromInts(env, v.toIntVector());
    case Kind::String: return fromString(env, v.toStringRef());
    default: bad("the operator's result type is not supported");
  }
}

// The names that TypeScript uses; libtorch's own for types that it does not know.
static std::string dtypeName(at::ScalarType type) {
  switch (type) {
    case at::kByte: return "uint8";
    case at::kChar: return "int8";
    case at::kShort: return "int16";
    case at::kInt: return "int32";
    case at::kLong: return "int64";
    case at::kHalf: return "float16";
    case at::kFloat: return "float32";
    case at::kDouble: return "float64";
    case at::kBool: return "bool";
    case at::kBFloat16: return "bfloat16";
    default: return c10::toString(type);
  }
}
std::string describe(const at::Tensor& t) {
  std::ostringstream s;
  s << dtypeName(t.scalar_type()) << "[";
  for (int64_t i = 0; i < t.dim(); i++) s << (i ? ", " : "") << t.size(i);
  s << "] on " << t.device();
  return s.str();
}
