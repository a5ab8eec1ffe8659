// Bytes in and out of tensors, and weights mapped from files.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "engine.h"

namespace {

// fromBytes(view, shape, dtype) copies the view's bytes into a new tensor
NATIVE(fromBytes) {
  return guarded(env, "tensor", [&]() -> napi_value {
    Args a(env, info);
    napi_typedarray_type type;
    size_t length;
    void* p;
    check(env, napi_get_typedarray_info(env, a[0], &type, &length, &p, nullptr, nullptr));
    if (type != napi_uint8_array) bad("expected bytes for data");
    auto t = at::empty(toInts(env, a[1], "shape"), at::TensorOptions(toDtype(env, a[2])));
    if (t.nbytes() != length)
      bad("expected " + std::to_string(t.nbytes()) + " bytes for data but received " + std::to_string(length));
    if (length) std::memcpy(t.data_ptr(), p, length);
    return fromTensor(env, std::move(t));
  });
}

// toBytes(handle) → Uint8Array copy of the elements in C order
NATIVE(toBytes) {
  return guarded(env, "data", [&]() -> napi_value {
    Args a(env, info);
    const auto& self = toTensor(env, a[0], "self");
    if (self.is_meta()) throw EngineError("operator", kMetaHint + describe(self) + " has no elements to read");
    auto t = self.detach().cpu().contiguous();
    void* p;
    napi_value buffer, view;
    check(env, napi_create_arraybuffer(env, t.nbytes(), &p, &buffer));
    if (t.nbytes()) std::memcpy(p, t.data_ptr(), t.nbytes());
    check(env, napi_create_typedarray(env, napi_uint8_array, t.nbytes(), buffer, 0, &view));
    return view;
  });
}

// Owns one private mapping; tensors over it share the ownership, so the file stays mapped while any of them lives.
struct Mapping {
  void* base = MAP_FAILED;
  size_t size = 0;
  explicit Mapping(const std::string& path) {
    int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) bad("cannot open " + path + ": " + std::strerror(errno));
    struct stat s {};
    if (fstat(fd, &s) == 0 && s.st_size > 0) {
      size = static_cast<size_t>(s.st_size);
      // Private and writable: a write in memory never reaches the file, and costs memory only for the page it touches.
      base = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
    }
    close(fd);
    if (base == MAP_FAILED) bad("cannot map " + path);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (base != MAP_FAILED) munmap(base, size);
  }
};

// mapFile(path, offsets, shapes, dtypes) → handles of tensors over one mapping
NATIVE(mapFile) {
  return guarded(env, "mapFile", [&]() -> napi_value {
    Args a(env, info);
    auto mapping = std::make_shared<Mapping>(toString(env, a[0], "path"));
    auto offsets = toInts(env, a[1], "offsets");
    std::vector<at::Tensor> tensors;
    for (uint32_t i = 0; i < offsets.size(); i++) {
      napi_value shapeValue, dtypeValue;
      check(env, napi_get_element(env, a[2], i, &shapeValue));
      check(env, napi_get_element(env, a[3], i, &dtypeValue));
      auto shape = toInts(env, shapeValue, "shape");
      auto dtype = toDtype(env, dtypeValue);
      auto left = static_cast<int64_t>(mapping->size / c10::elementSize(dtype));
      int64_t count = 1;
      for (int64_t d : shape) {
        if (d < 0 || (d > 0 && count > left / d)) bad("a tensor is larger than its file");
        count *= d;
      }
      int64_t bytes = count * static_cast<int64_t>(c10::elementSize(dtype));
      if (offsets[i] < 0 || offsets[i] > static_cast<int64_t>(mapping->size) - bytes) bad("a tensor lies outside its file");
      char* p = static_cast<char*>(mapping->base) + offsets[i];
      at::TensorOptions options(dtype);
      bool aligned = reinterpret_cast<uintptr_t>(p) % c10::elementSize(dtype) == 0;
      if (aligned) {
        tensors.push_back(at::from_blob(p, shape, [mapping](void*) {}, options));
      } else {  // old files pad nothing: such a tensor is copied instead
        auto t = at::empty(shape, options);
        std::memcpy(t.data_ptr(), p, bytes);
        tensors.push_back(std::move(t));
      }
    }
    return fromTensors(env, tensors);
  });
}

// releasePages(handle) gives the pages of a mapped tensor back; they are read from the file again when they are next used.
// What was written in memory is lost: for tensors as they were opened.
NATIVE(releasePages) {
  return guarded(env, "releasePages", [&]() -> napi_value {
    Args a(env, info);
    const auto& t = toTensor(env, a[0], "self");
    if (!t.device().is_cpu() || t.storage().allocator() != nullptr) return undefinedValue(env);
    const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    const auto from = reinterpret_cast<uintptr_t>(t.data_ptr());
    const uintptr_t first = (from + page - 1) / page * page, last = (from + t.nbytes()) / page * page;
    if (last > first) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
    return undefinedValue(env);
  });
}

NATIVE(shape) {
  return guarded(env, "shape", [&]() -> napi_value {
    Args a(env, info);
    return fromInts(env, toTensor(env, a[0], "self").sizes());
  });
}
NATIVE(strides) {
  return guarded(env, "strides", [&]() -> napi_value {
    Args a(env, info);
    return fromInts(env, toTensor(env, a[0], "self").strides());
  });
}
NATIVE(dtype) {
  return guarded(env, "dtype", [&]() -> napi_value {
    Args a(env, info);
    return fromDouble(env, static_cast<int>(toTensor(env, a[0], "self").scalar_type()));
  });
}
NATIVE(device) {
  return guarded(env, "device", [&]() -> napi_value {
    Args a(env, info);
    return fromString(env, toTensor(env, a[0], "self").device().str());
  });
}
NATIVE(dataPointer) {
  return guarded(env, "dataPointer", [&]() -> napi_value {
    Args a(env, info);
    return fromDouble(env, static_cast<double>(reinterpret_cast<uintptr_t>(toTensor(env, a[0], "self").data_ptr())));
  });
}

// alias(handle) → a second handle of the same tensor
NATIVE(alias) {
  return guarded(env, "alias", [&]() -> napi_value {
    Args a(env, info);
    return fromTensor(env, toTensor(env, a[0], "self"));
  });
}
NATIVE(dispose) {
  return guarded(env, "dispose", [&]() -> napi_value {
    Args a(env, info);
    engineOf(env).tensors.take(static_cast<int32_t>(toInt(env, a[0], "handle")));
    return undefinedValue(env);
  });
}
// disposeMany(handles: Int32Array, count): one call for each scope
NATIVE(disposeMany) {
  return guarded(env, "dispose", [&]() -> napi_value {
    Args a(env, info);
    napi_typedarray_type type;
    size_t length;
    void* p;
    check(env, napi_get_typedarray_info(env, a[0], &type, &length, &p, nullptr, nullptr));
    auto count = std::min(static_cast<size_t>(toInt(env, a[1], "count")), length);
    for (size_t i = 0; i < count; i++) engineOf(env).tensors.take(static_cast<int32_t*>(p)[i]);
    return undefinedValue(env);
  });
}
// adjustMemory(bytes) tells the collector about tensors that live outside every scope
NATIVE(adjustMemory) {
  return guarded(env, "adjustMemory", [&]() -> napi_value {
    Args a(env, info);
    int64_t now;
    check(env, napi_adjust_external_memory(env, toInt(env, a[0], "bytes"), &now));
    return undefinedValue(env);
  });
}
NATIVE(ownedBytes) {
  return guarded(env, "ownedBytes", [&]() -> napi_value {
    Args a(env, info);
    const auto& t = toTensor(env, a[0], "self");
    // without an allocator the bytes are a mapped file's: no memory that a collection would give back
    bool sole = t.has_storage() && t.storage().use_count() == 1 && t.storage().allocator() != nullptr;
    return fromDouble(env, sole ? static_cast<double>(t.storage().nbytes()) : 0);
  });
}
NATIVE(liveTensors) {
  return guarded(env, "liveTensors", [&]() -> napi_value {
    return fromDouble(env, static_cast<double>(engineOf(env).tensors.live()));
  });
}

}  // namespace

void registerStorage(napi_env env, napi_value exports) {
  exportAll(env, exports,
            {{"fromBytes", fromBytes}, {"toBytes", toBytes}, {"mapFile", mapFile}, {"releasePages", releasePages}, {"shape", shape},
             {"strides", strides}, {"dtype", dtype}, {"device", device}, {"dataPointer", dataPointer},
             {"alias", alias}, {"dispose", dispose}, {"disposeMany", disposeMany}, {"adjustMemory", adjustMemory},
             {"ownedBytes", ownedBytes}, {"liveTensors", liveTensors}});
}
