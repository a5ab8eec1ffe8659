/**
 * libtorch from TypeScript: tensors, operators, differentiation, layers, optimizers, safetensors.
 *
 * @module
 */
import "./methods.generated.js";

export { backward, backwardAll, enableGrad, grad, noGrad } from "./autograd.js";
export { type Dims, matchDims } from "./dims.js";
export { type DType, ELEMENT_SIZE, isFloating } from "./dtype.js";
export * from "./errors.js";
export {
  arange,
  empty,
  eye,
  full,
  linspace,
  type MemoryFormat,
  ones,
  type RandomOptions,
  rand,
  randint,
  randn,
  randperm,
  type TensorOptions,
  tensor,
  zeros,
} from "./factory.js";
export * from "./functions.generated.js";
export { Generator } from "./generator.js";
export { hasOperator } from "./native.js";
export * from "./nn/index.js";
export * from "./optim/index.js";
export { RecomputeTape } from "./recompute.js";
export {
  defaultDevice,
  type EngineInfo,
  engineInfo,
  setDeterministic,
  setTf32,
  setThreads,
  trimMemory,
} from "./runtime.js";
export {
  readSafetensors,
  readSafetensorsHeader,
  type SafetensorsHeader,
  type TensorInfo,
  writeSafetensors,
} from "./safetensors.js";
export { keep, liveTensors, scope } from "./scope.js";
export { type Device, Tensor, type TypedArray } from "./tensor.js";
