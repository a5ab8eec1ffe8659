// Everything that differs between libtorch 1.13 and 2.x, in one place.
#pragma once
#include <torch/csrc/api/include/torch/version.h>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

// c10::optional in libtorch 1.13, std::optional later
using OptionalTensor = std::decay_t<decltype(std::declval<c10::IValue>().toOptional<at::Tensor>())>;

namespace compat {

// The list is built untyped-but-tagged because c10::optional became std::optional in 2.x.
inline c10::IValue optionalTensorList(const std::vector<at::Tensor>& tensors) {
  c10::impl::GenericList list(c10::OptionalType::create(c10::TensorType::get()));
  list.reserve(tensors.size());
  for (const auto& t : tensors) list.push_back(t.defined() ? c10::IValue(t) : c10::IValue());
  return list;
}

// SymIntType exists since 1.13; kernels take plain integers for it through the boxed call.
inline bool isIntegerType(c10::TypeKind kind) {
  return kind == c10::TypeKind::IntType || kind == c10::TypeKind::SymIntType;
}

}  // namespace compat
