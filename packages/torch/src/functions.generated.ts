// Generated from ops.txt by `npm run gen`. Do not edit.
import { type DType, dtypeCode } from "./dtype.js";
import type { Generator } from "./generator.js";
import type { MemoryFormat } from "./factory.js";
import { bind, type Handle } from "./native.js";
import { type Device, handlesOf, Tensor, wrapAll } from "./tensor.js";

const op_cat = bind("cat");
const op_stack = bind("stack");
const op_where_self = bind("where", "self");
const op_linear = bind("linear");
const op_conv2d = bind("conv2d");
const op_group_norm = bind("group_norm");
const op_layer_norm = bind("layer_norm");
const op_batch_norm = bind("batch_norm");
const op_embedding = bind("embedding");
const op_silu = bind("silu");
const op_gelu = bind("gelu");
const op_relu = bind("relu");
const op_leaky_relu = bind("leaky_relu");
const op_softplus = bind("softplus");
const op_softmax_int = bind("softmax", "int");
const op_log_softmax_int = bind("log_softmax", "int");
const op_dropout = bind("dropout");
const op_max_pool2d = bind("max_pool2d");
const op_avg_pool2d = bind("avg_pool2d");
const op_adaptive_avg_pool2d = bind("adaptive_avg_pool2d");
const op_upsample_nearest2d = bind("upsample_nearest2d");
const op_upsample_bilinear2d = bind("upsample_bilinear2d");
const op_upsample_bicubic2d = bind("upsample_bicubic2d");
const op_constant_pad_nd = bind("constant_pad_nd");
const op_reflection_pad2d = bind("reflection_pad2d");
const op_mse_loss = bind("mse_loss");
const op_l1_loss = bind("l1_loss");
const op_smooth_l1_loss = bind("smooth_l1_loss");
const op_cross_entropy_loss = bind("cross_entropy_loss");
const op_binary_cross_entropy_with_logits = bind("binary_cross_entropy_with_logits");
const op_cdist = bind("cdist");
const op_einsum = bind("einsum");
const op_bernoulli = bind("bernoulli");
const op_multinomial = bind("multinomial");
const op_bucketize_Tensor = bind("bucketize", "Tensor");
const op_searchsorted_Tensor = bind("searchsorted", "Tensor");
const op_zeros_like = bind("zeros_like");
const op_ones_like = bind("ones_like");
const op_empty_like = bind("empty_like");
const op_linalg_vector_norm = bind("linalg_vector_norm");
const op_linalg_eigh = bind("linalg_eigh");
const op_linalg_eigvalsh = bind("linalg_eigvalsh");
const op_linalg_svdvals = bind("linalg_svdvals");
const op_linalg_qr = bind("linalg_qr");
const op_im2col = bind("im2col");
const op__foreach_add__List = bind("_foreach_add_", "List");
const op__foreach_add__Scalar = bind("_foreach_add_", "Scalar");
const op__foreach_mul__Scalar = bind("_foreach_mul_", "Scalar");
const op__foreach_mul__List = bind("_foreach_mul_", "List");
const op__foreach_addcmul__Scalar = bind("_foreach_addcmul_", "Scalar");
const op__foreach_addcdiv__Scalar = bind("_foreach_addcdiv_", "Scalar");
const op__foreach_sqrt = bind("_foreach_sqrt");
const op__foreach_div__Scalar = bind("_foreach_div_", "Scalar");
const op__foreach_div__List = bind("_foreach_div_", "List");
const op__foreach_zero_ = bind("_foreach_zero_");
const op__foreach_norm_Scalar = bind("_foreach_norm", "Scalar");

/** `aten::cat(Tensor[] tensors, int dim=0) -> Tensor` */
export function cat(tensors: readonly Tensor[], dim?: number): Tensor {
  return new Tensor(op_cat(handlesOf(tensors), dim));
}

/** `aten::stack(Tensor[] tensors, int dim=0) -> Tensor` */
export function stack(tensors: readonly Tensor[], dim?: number): Tensor {
  return new Tensor(op_stack(handlesOf(tensors), dim));
}

/** `aten::where.self(Tensor condition, Tensor self, Tensor other) -> Tensor` */
export function where(condition: Tensor, self: Tensor, other: Tensor): Tensor {
  return new Tensor(op_where_self(condition.handle, self.handle, other.handle));
}

/** `aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor` */
export function linear(input: Tensor, weight: Tensor, bias?: Tensor | null): Tensor {
  return new Tensor(op_linear(input.handle, weight.handle, bias?.handle));
}

/** `aten::conv2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, int[2] padding=0, int[2] dilation=1, int groups=1) -> Tensor` */
export function conv2d(input: Tensor, weight: Tensor, bias?: Tensor | null, stride?: number | readonly number[], padding?: number | readonly number[], dilation?: number | readonly number[], groups?: number): Tensor {
  return new Tensor(op_conv2d(input.handle, weight.handle, bias?.handle, stride, padding, dilation, groups));
}

/** `aten::group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float eps=1.0000000000000001e-05, bool cudnn_enabled=True) -> Tensor` */
export function groupNorm(input: Tensor, numGroups: number, weight?: Tensor | null, bias?: Tensor | null, eps?: number, cudnnEnabled?: boolean): Tensor {
  return new Tensor(op_group_norm(input.handle, numGroups, weight?.handle, bias?.handle, eps, cudnnEnabled));
}

/** `aten::layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float eps=1.0000000000000001e-05, bool cudnn_enable=True) -> Tensor` */
export function layerNorm(input: Tensor, normalizedShape: number | readonly number[], weight?: Tensor | null, bias?: Tensor | null, eps?: number, cudnnEnable?: boolean): Tensor {
  return new Tensor(op_layer_norm(input.handle, normalizedShape, weight?.handle, bias?.handle, eps, cudnnEnable));
}

/** `aten::batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool training, float momentum, float eps, bool cudnn_enabled) -> Tensor` */
export function batchNorm(input: Tensor, weight: Tensor | null, bias: Tensor | null, runningMean: Tensor | null, runningVar: Tensor | null, training: boolean, momentum: number, eps: number, cudnnEnabled: boolean): Tensor {
  return new Tensor(op_batch_norm(input.handle, weight?.handle, bias?.handle, runningMean?.handle, runningVar?.handle, training, momentum, eps, cudnnEnabled));
}

/** `aten::embedding(Tensor weight, Tensor indices, int padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor` */
export function embedding(weight: Tensor, indices: Tensor, paddingIdx?: number, scaleGradByFreq?: boolean, sparse?: boolean): Tensor {
  return new Tensor(op_embedding(weight.handle, indices.handle, paddingIdx, scaleGradByFreq, sparse));
}

/** `aten::silu(Tensor self) -> Tensor` */
export function silu(self: Tensor): Tensor {
  return new Tensor(op_silu(self.handle));
}

/** `aten::gelu(Tensor self, *, str approximate="none") -> Tensor` */
export function gelu(self: Tensor, options?: { approximate?: string | undefined }): Tensor {
  return new Tensor(op_gelu(self.handle, options?.approximate));
}

/** `aten::relu(Tensor self) -> Tensor` */
export function relu(self: Tensor): Tensor {
  return new Tensor(op_relu(self.handle));
}

/** `aten::leaky_relu(Tensor self, Scalar negative_slope=0.01) -> Tensor` */
export function leakyRelu(self: Tensor, negativeSlope?: number): Tensor {
  return new Tensor(op_leaky_relu(self.handle, negativeSlope));
}

/** `aten::softplus(Tensor self, Scalar beta=1, Scalar threshold=20) -> Tensor` */
export function softplus(self: Tensor, beta?: number, threshold?: number): Tensor {
  return new Tensor(op_softplus(self.handle, beta, threshold));
}

/** `aten::softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor` */
export function softmax(self: Tensor, dim: number, dtype?: DType | null): Tensor {
  return new Tensor(op_softmax_int(self.handle, dim, dtype == null ? undefined : dtypeCode(dtype)));
}

/** `aten::log_softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor` */
export function logSoftmax(self: Tensor, dim: number, dtype?: DType | null): Tensor {
  return new Tensor(op_log_softmax_int(self.handle, dim, dtype == null ? undefined : dtypeCode(dtype)));
}

/** `aten::dropout(Tensor input, float p, bool train) -> Tensor` */
export function dropout(input: Tensor, p: number, train: boolean): Tensor {
  return new Tensor(op_dropout(input.handle, p, train));
}

/** `aten::max_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, int[2] dilation=1, bool ceil_mode=False) -> Tensor` */
export function maxPool2d(self: Tensor, kernelSize: number | readonly number[], stride?: number | readonly number[], padding?: number | readonly number[], dilation?: number | readonly number[], ceilMode?: boolean): Tensor {
  return new Tensor(op_max_pool2d(self.handle, kernelSize, stride, padding, dilation, ceilMode));
}

/** `aten::avg_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor` */
export function avgPool2d(self: Tensor, kernelSize: number | readonly number[], stride?: number | readonly number[], padding?: number | readonly number[], ceilMode?: boolean, countIncludePad?: boolean, divisorOverride?: number | null): Tensor {
  return new Tensor(op_avg_pool2d(self.handle, kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride));
}

/** `aten::adaptive_avg_pool2d(Tensor self, SymInt[2] output_size) -> Tensor` */
export function adaptiveAvgPool2d(self: Tensor, outputSize: number | readonly number[]): Tensor {
  return new Tensor(op_adaptive_avg_pool2d(self.handle, outputSize));
}

/** `aten::upsample_nearest2d(Tensor self, SymInt[2] output_size, float? scales_h=None, float? scales_w=None) -> Tensor` */
export function upsampleNearest2d(self: Tensor, outputSize: number | readonly number[], scalesH?: number | null, scalesW?: number | null): Tensor {
  return new Tensor(op_upsample_nearest2d(self.handle, outputSize, scalesH, scalesW));
}

/** `aten::upsample_bilinear2d(Tensor self, SymInt[2] output_size, bool align_corners, float? scales_h=None, float? scales_w=None) -> Tensor` */
export function upsampleBilinear2d(self: Tensor, outputSize: number | readonly number[], alignCorners: boolean, scalesH?: number | null, scalesW?: number | null): Tensor {
  return new Tensor(op_upsample_bilinear2d(self.handle, outputSize, alignCorners, scalesH, scalesW));
}

/** `aten::upsample_bicubic2d(Tensor self, SymInt[2] output_size, bool align_corners, float? scales_h=None, float? scales_w=None) -> Tensor` */
export function upsampleBicubic2d(self: Tensor, outputSize: number | readonly number[], alignCorners: boolean, scalesH?: number | null, scalesW?: number | null): Tensor {
  return new Tensor(op_upsample_bicubic2d(self.handle, outputSize, alignCorners, scalesH, scalesW));
}

/** `aten::constant_pad_nd(Tensor self, int[] pad, Scalar value=0) -> Tensor` */
export function constantPadNd(self: Tensor, pad: number | readonly number[], value?: number): Tensor {
  return new Tensor(op_constant_pad_nd(self.handle, pad, value));
}

/** `aten::reflection_pad2d(Tensor self, int[4] padding) -> Tensor` */
export function reflectionPad2d(self: Tensor, padding: number | readonly number[]): Tensor {
  return new Tensor(op_reflection_pad2d(self.handle, padding));
}

/** `aten::mse_loss(Tensor self, Tensor target, int reduction=1) -> Tensor` */
export function mseLoss(self: Tensor, target: Tensor, reduction?: number): Tensor {
  return new Tensor(op_mse_loss(self.handle, target.handle, reduction));
}

/** `aten::l1_loss(Tensor self, Tensor target, int reduction=1) -> Tensor` */
export function l1Loss(self: Tensor, target: Tensor, reduction?: number): Tensor {
  return new Tensor(op_l1_loss(self.handle, target.handle, reduction));
}

/** `aten::smooth_l1_loss(Tensor self, Tensor target, int reduction=1, float beta=1.) -> Tensor` */
export function smoothL1Loss(self: Tensor, target: Tensor, reduction?: number, beta?: number): Tensor {
  return new Tensor(op_smooth_l1_loss(self.handle, target.handle, reduction, beta));
}

/** `aten::cross_entropy_loss(Tensor self, Tensor target, Tensor? weight=None, int reduction=1, int ignore_index=-100, float label_smoothing=0.) -> Tensor` */
export function crossEntropyLoss(self: Tensor, target: Tensor, weight?: Tensor | null, reduction?: number, ignoreIndex?: number, labelSmoothing?: number): Tensor {
  return new Tensor(op_cross_entropy_loss(self.handle, target.handle, weight?.handle, reduction, ignoreIndex, labelSmoothing));
}

/** `aten::binary_cross_entropy_with_logits(Tensor self, Tensor target, Tensor? weight=None, Tensor? pos_weight=None, int reduction=1) -> Tensor` */
export function binaryCrossEntropyWithLogits(self: Tensor, target: Tensor, weight?: Tensor | null, posWeight?: Tensor | null, reduction?: number): Tensor {
  return new Tensor(op_binary_cross_entropy_with_logits(self.handle, target.handle, weight?.handle, posWeight?.handle, reduction));
}

/** `aten::cdist(Tensor x1, Tensor x2, float p=2., int? compute_mode=None) -> Tensor` */
export function cdist(x1: Tensor, x2: Tensor, p?: number, computeMode?: number | null): Tensor {
  return new Tensor(op_cdist(x1.handle, x2.handle, p, computeMode));
}

/** `aten::einsum(str equation, Tensor[] tensors, *, int[]? path=None) -> Tensor` */
export function einsum(equation: string, tensors: readonly Tensor[], options?: { path?: number | readonly number[] | null | undefined }): Tensor {
  return new Tensor(op_einsum(equation, handlesOf(tensors), options?.path));
}

/** `aten::bernoulli(Tensor self, *, Generator? generator=None) -> Tensor` */
export function bernoulli(self: Tensor, options?: { generator?: Generator | null | undefined }): Tensor {
  return new Tensor(op_bernoulli(self.handle, options?.generator?.native));
}

/** `aten::multinomial(Tensor self, int num_samples, bool replacement=False, *, Generator? generator=None) -> Tensor` */
export function multinomial(self: Tensor, numSamples: number, replacement?: boolean, options?: { generator?: Generator | null | undefined }): Tensor {
  return new Tensor(op_multinomial(self.handle, numSamples, replacement, options?.generator?.native));
}

/** `aten::bucketize.Tensor(Tensor self, Tensor boundaries, *, bool out_int32=False, bool right=False) -> Tensor` */
export function bucketize(self: Tensor, boundaries: Tensor, options?: { outInt32?: boolean | undefined; right?: boolean | undefined }): Tensor {
  return new Tensor(op_bucketize_Tensor(self.handle, boundaries.handle, options?.outInt32, options?.right));
}

/** `aten::searchsorted.Tensor(Tensor sorted_sequence, Tensor self, *, bool out_int32=False, bool right=False, str? side=None, Tensor? sorter=None) -> Tensor` */
export function searchsorted(sortedSequence: Tensor, self: Tensor, options?: { outInt32?: boolean | undefined; right?: boolean | undefined; side?: string | null | undefined; sorter?: Tensor | null | undefined }): Tensor {
  return new Tensor(op_searchsorted_Tensor(sortedSequence.handle, self.handle, options?.outInt32, options?.right, options?.side, options?.sorter?.handle));
}

/** `aten::zeros_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
export function zerosLike(self: Tensor, options?: { dtype?: DType | null | undefined; device?: Device | null | undefined; memoryFormat?: MemoryFormat | null | undefined }): Tensor {
  return new Tensor(op_zeros_like(self.handle, options?.dtype == null ? undefined : dtypeCode(options?.dtype), undefined, options?.device, undefined, options?.memoryFormat));
}

/** `aten::ones_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
export function onesLike(self: Tensor, options?: { dtype?: DType | null | undefined; device?: Device | null | undefined; memoryFormat?: MemoryFormat | null | undefined }): Tensor {
  return new Tensor(op_ones_like(self.handle, options?.dtype == null ? undefined : dtypeCode(options?.dtype), undefined, options?.device, undefined, options?.memoryFormat));
}

/** `aten::empty_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
export function emptyLike(self: Tensor, options?: { dtype?: DType | null | undefined; device?: Device | null | undefined; memoryFormat?: MemoryFormat | null | undefined }): Tensor {
  return new Tensor(op_empty_like(self.handle, options?.dtype == null ? undefined : dtypeCode(options?.dtype), undefined, options?.device, undefined, options?.memoryFormat));
}

/** `aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor` */
export function linalgVectorNorm(self: Tensor, ord?: number, dim?: number | readonly number[] | null, keepdim?: boolean, options?: { dtype?: DType | null | undefined }): Tensor {
  return new Tensor(op_linalg_vector_norm(self.handle, ord, dim, keepdim, options?.dtype == null ? undefined : dtypeCode(options?.dtype)));
}

/** `aten::linalg_eigh(Tensor self, str UPLO="L") -> (Tensor eigenvalues, Tensor eigenvectors)` */
export function linalgEigh(self: Tensor, UPLO?: string): [Tensor, Tensor] {
  const r: Handle[] = op_linalg_eigh(self.handle, UPLO);
  return [new Tensor(r[0] as Handle), new Tensor(r[1] as Handle)];
}

/** `aten::linalg_eigvalsh(Tensor self, str UPLO="L") -> Tensor` */
export function linalgEigvalsh(self: Tensor, UPLO?: string): Tensor {
  return new Tensor(op_linalg_eigvalsh(self.handle, UPLO));
}

/** `aten::linalg_svdvals(Tensor A, *, str? driver=None) -> Tensor` */
export function linalgSvdvals(A: Tensor, options?: { driver?: string | null | undefined }): Tensor {
  return new Tensor(op_linalg_svdvals(A.handle, options?.driver));
}

/** `aten::linalg_qr(Tensor A, str mode="reduced") -> (Tensor Q, Tensor R)` */
export function linalgQr(A: Tensor, mode?: string): [Tensor, Tensor] {
  const r: Handle[] = op_linalg_qr(A.handle, mode);
  return [new Tensor(r[0] as Handle), new Tensor(r[1] as Handle)];
}

/** `aten::im2col(Tensor self, int[2] kernel_size, int[2] dilation, int[2] padding, int[2] stride) -> Tensor` */
export function unfold(self: Tensor, kernelSize: number | readonly number[], dilation: number | readonly number[], padding: number | readonly number[], stride: number | readonly number[]): Tensor {
  return new Tensor(op_im2col(self.handle, kernelSize, dilation, padding, stride));
}

/** `aten::_foreach_add_.List(Tensor(a!)[] self, Tensor[] other, *, Scalar alpha=1) -> ()` */
export function foreachAdd_(self: readonly Tensor[], other: readonly Tensor[], options?: { alpha?: number | undefined }): void {
  op__foreach_add__List(handlesOf(self), handlesOf(other), options?.alpha);
}

/** `aten::_foreach_add_.Scalar(Tensor(a!)[] self, Scalar scalar) -> ()` */
export function foreachAddScalar_(self: readonly Tensor[], scalar: number): void {
  op__foreach_add__Scalar(handlesOf(self), scalar);
}

/** `aten::_foreach_mul_.Scalar(Tensor(a!)[] self, Scalar scalar) -> ()` */
export function foreachMul_(self: readonly Tensor[], scalar: number): void {
  op__foreach_mul__Scalar(handlesOf(self), scalar);
}

/** `aten::_foreach_mul_.List(Tensor(a!)[] self, Tensor[] other) -> ()` */
export function foreachMulList_(self: readonly Tensor[], other: readonly Tensor[]): void {
  op__foreach_mul__List(handlesOf(self), handlesOf(other));
}

/** `aten::_foreach_addcmul_.Scalar(Tensor(a!)[] self, Tensor[] tensor1, Tensor[] tensor2, Scalar value=1) -> ()` */
export function foreachAddcmul_(self: readonly Tensor[], tensor1: readonly Tensor[], tensor2: readonly Tensor[], value?: number): void {
  op__foreach_addcmul__Scalar(handlesOf(self), handlesOf(tensor1), handlesOf(tensor2), value);
}

/** `aten::_foreach_addcdiv_.Scalar(Tensor(a!)[] self, Tensor[] tensor1, Tensor[] tensor2, Scalar value=1) -> ()` */
export function foreachAddcdiv_(self: readonly Tensor[], tensor1: readonly Tensor[], tensor2: readonly Tensor[], value?: number): void {
  op__foreach_addcdiv__Scalar(handlesOf(self), handlesOf(tensor1), handlesOf(tensor2), value);
}

/** `aten::_foreach_sqrt(Tensor[] self) -> Tensor[]` */
export function foreachSqrt(self: readonly Tensor[]): Tensor[] {
  return wrapAll(op__foreach_sqrt(handlesOf(self)));
}

/** `aten::_foreach_div_.Scalar(Tensor(a!)[] self, Scalar scalar) -> ()` */
export function foreachDiv_(self: readonly Tensor[], scalar: number): void {
  op__foreach_div__Scalar(handlesOf(self), scalar);
}

/** `aten::_foreach_div_.List(Tensor(a!)[] self, Tensor[] other) -> ()` */
export function foreachDivList_(self: readonly Tensor[], other: readonly Tensor[]): void {
  op__foreach_div__List(handlesOf(self), handlesOf(other));
}

/** `aten::_foreach_zero_(Tensor(a!)[] self) -> ()` */
export function foreachZero_(self: readonly Tensor[]): void {
  op__foreach_zero_(handlesOf(self));
}

/** `aten::_foreach_norm.Scalar(Tensor[] self, Scalar ord=2) -> Tensor[]` */
export function foreachNorm(self: readonly Tensor[], ord?: number): Tensor[] {
  return wrapAll(op__foreach_norm_Scalar(handlesOf(self), ord));
}
