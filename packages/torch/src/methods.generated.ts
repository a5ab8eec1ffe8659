// Generated from ops.txt by `npm run gen`. Do not edit.
import { type DType, dtypeCode } from "./dtype.js";
import type { Generator } from "./generator.js";
import type { MemoryFormat } from "./factory.js";
import { bind, type Handle } from "./native.js";
import { Tensor, wrapAll } from "./tensor.js";

declare module "./tensor.js" {
  interface Tensor {
    /** `aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor` or `aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor` */
    add(other: Tensor | number, options?: { alpha?: number | undefined }): Tensor;
    /** `aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)` or `aten::add_.Scalar(Tensor(a!) self, Scalar other, Scalar alpha=1) -> Tensor(a!)` */
    add_(other: Tensor | number, options?: { alpha?: number | undefined }): this;
    /** `aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor` or `aten::sub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor` */
    sub(other: Tensor | number, options?: { alpha?: number | undefined }): Tensor;
    /** `aten::sub_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)` or `aten::sub_.Scalar(Tensor(a!) self, Scalar other, Scalar alpha=1) -> Tensor(a!)` */
    sub_(other: Tensor | number, options?: { alpha?: number | undefined }): this;
    /** `aten::mul.Tensor(Tensor self, Tensor other) -> Tensor` or `aten::mul.Scalar(Tensor self, Scalar other) -> Tensor` */
    mul(other: Tensor | number): Tensor;
    /** `aten::mul_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)` or `aten::mul_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)` */
    mul_(other: Tensor | number): this;
    /** `aten::div.Tensor(Tensor self, Tensor other) -> Tensor` or `aten::div.Scalar(Tensor self, Scalar other) -> Tensor` */
    div(other: Tensor | number): Tensor;
    /** `aten::div_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)` or `aten::div_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)` */
    div_(other: Tensor | number): this;
    /** `aten::remainder.Tensor(Tensor self, Tensor other) -> Tensor` or `aten::remainder.Scalar(Tensor self, Scalar other) -> Tensor` */
    remainder(other: Tensor | number): Tensor;
    /** `aten::pow.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor` or `aten::pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor` */
    pow(exponent: Tensor | number): Tensor;
    /** `aten::maximum(Tensor self, Tensor other) -> Tensor` */
    maximum(other: Tensor): Tensor;
    /** `aten::minimum(Tensor self, Tensor other) -> Tensor` */
    minimum(other: Tensor): Tensor;
    /** `aten::eq.Tensor(Tensor self, Tensor other) -> Tensor` or `aten::eq.Scalar(Tensor self, Scalar other) -> Tensor` */
    eq(other: Tensor | number): Tensor;
    /** `aten::ne.Tensor(Tensor self, Tensor other) -> Tensor` or `aten::ne.Scalar(Tensor self, Scalar other) -> Tensor` */
    ne(other: Tensor | number): Tensor;
    /** `aten::lt.Tensor(Tensor self, Tensor other) -> Tensor` or `aten::lt.Scalar(Tensor self, Scalar other) -> Tensor` */
    lt(other: Tensor | number): Tensor;
    /** `aten::le.Tensor(Tensor self, Tensor other) -> Tensor` or `aten::le.Scalar(Tensor self, Scalar other) -> Tensor` */
    le(other: Tensor | number): Tensor;
    /** `aten::gt.Tensor(Tensor self, Tensor other) -> Tensor` or `aten::gt.Scalar(Tensor self, Scalar other) -> Tensor` */
    gt(other: Tensor | number): Tensor;
    /** `aten::ge.Tensor(Tensor self, Tensor other) -> Tensor` or `aten::ge.Scalar(Tensor self, Scalar other) -> Tensor` */
    ge(other: Tensor | number): Tensor;
    /** `aten::logical_and(Tensor self, Tensor other) -> Tensor` */
    logicalAnd(other: Tensor): Tensor;
    /** `aten::logical_or(Tensor self, Tensor other) -> Tensor` */
    logicalOr(other: Tensor): Tensor;
    /** `aten::logical_not(Tensor self) -> Tensor` */
    logicalNot(): Tensor;
    /** `aten::neg(Tensor self) -> Tensor` */
    neg(): Tensor;
    /** `aten::abs(Tensor self) -> Tensor` */
    abs(): Tensor;
    /** `aten::sign(Tensor self) -> Tensor` */
    sign(): Tensor;
    /** `aten::sqrt(Tensor self) -> Tensor` */
    sqrt(): Tensor;
    /** `aten::rsqrt(Tensor self) -> Tensor` */
    rsqrt(): Tensor;
    /** `aten::square(Tensor self) -> Tensor` */
    square(): Tensor;
    /** `aten::reciprocal(Tensor self) -> Tensor` */
    reciprocal(): Tensor;
    /** `aten::exp(Tensor self) -> Tensor` */
    exp(): Tensor;
    /** `aten::expm1(Tensor self) -> Tensor` */
    expm1(): Tensor;
    /** `aten::log(Tensor self) -> Tensor` */
    log(): Tensor;
    /** `aten::log1p(Tensor self) -> Tensor` */
    log1p(): Tensor;
    /** `aten::sin(Tensor self) -> Tensor` */
    sin(): Tensor;
    /** `aten::cos(Tensor self) -> Tensor` */
    cos(): Tensor;
    /** `aten::tanh(Tensor self) -> Tensor` */
    tanh(): Tensor;
    /** `aten::erf(Tensor self) -> Tensor` */
    erf(): Tensor;
    /** `aten::sigmoid(Tensor self) -> Tensor` */
    sigmoid(): Tensor;
    /** `aten::floor(Tensor self) -> Tensor` */
    floor(): Tensor;
    /** `aten::ceil(Tensor self) -> Tensor` */
    ceil(): Tensor;
    /** `aten::round(Tensor self) -> Tensor` */
    round(): Tensor;
    /** `aten::clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor` */
    clamp(min?: number | null, max?: number | null): Tensor;
    /** `aten::clamp_(Tensor(a!) self, Scalar? min=None, Scalar? max=None) -> Tensor(a!)` */
    clamp_(min?: number | null, max?: number | null): this;
    /** `aten::isfinite(Tensor self) -> Tensor` */
    isfinite(): Tensor;
    /** `aten::isnan(Tensor self) -> Tensor` */
    isnan(): Tensor;
    /** `aten::addcmul_(Tensor(a!) self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor(a!)` */
    addcmul_(tensor1: Tensor, tensor2: Tensor, options?: { value?: number | undefined }): this;
    /** `aten::addcdiv_(Tensor(a!) self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor(a!)` */
    addcdiv_(tensor1: Tensor, tensor2: Tensor, options?: { value?: number | undefined }): this;
    /** `aten::lerp.Tensor(Tensor self, Tensor end, Tensor weight) -> Tensor` or `aten::lerp.Scalar(Tensor self, Tensor end, Scalar weight) -> Tensor` */
    lerp(end: Tensor, weight: Tensor | number): Tensor;
    /** `aten::lerp_.Tensor(Tensor(a!) self, Tensor end, Tensor weight) -> Tensor(a!)` or `aten::lerp_.Scalar(Tensor(a!) self, Tensor end, Scalar weight) -> Tensor(a!)` */
    lerp_(end: Tensor, weight: Tensor | number): this;
    /** `aten::copy_(Tensor(a!) self, Tensor src, bool non_blocking=False) -> Tensor(a!)` */
    copy_(src: Tensor, nonBlocking?: boolean): this;
    /** `aten::fill_.Scalar(Tensor(a!) self, Scalar value) -> Tensor(a!)` */
    fill_(value: number): this;
    /** `aten::zero_(Tensor(a!) self) -> Tensor(a!)` */
    zero_(): this;
    /** `aten::normal_(Tensor(a!) self, float mean=0., float std=1., *, Generator? generator=None) -> Tensor(a!)` */
    normal_(mean?: number, std?: number, options?: { generator?: Generator | null | undefined }): this;
    /** `aten::uniform_(Tensor(a!) self, float from=0., float to=1., *, Generator? generator=None) -> Tensor(a!)` */
    uniform_(from?: number, to?: number, options?: { generator?: Generator | null | undefined }): this;
    /** `aten::bernoulli_.float(Tensor(a!) self, float p=0.5, *, Generator? generator=None) -> Tensor(a!)` */
    bernoulli_(p?: number, options?: { generator?: Generator | null | undefined }): this;
    /** `aten::masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor` */
    maskedFill(mask: Tensor, value: number): Tensor;
    /** `aten::masked_fill_.Scalar(Tensor(a!) self, Tensor mask, Scalar value) -> Tensor(a!)` */
    maskedFill_(mask: Tensor, value: number): this;
    /** `aten::masked_select(Tensor self, Tensor mask) -> Tensor` */
    maskedSelect(mask: Tensor): Tensor;
    /** `aten::matmul(Tensor self, Tensor other) -> Tensor` */
    matmul(other: Tensor): Tensor;
    /** `aten::mm(Tensor self, Tensor mat2) -> Tensor` */
    mm(mat2: Tensor): Tensor;
    /** `aten::bmm(Tensor self, Tensor mat2) -> Tensor` */
    bmm(mat2: Tensor): Tensor;
    /** `aten::addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor` */
    addmm(mat1: Tensor, mat2: Tensor, options?: { beta?: number | undefined; alpha?: number | undefined }): Tensor;
    /** `aten::baddbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor` */
    baddbmm(batch1: Tensor, batch2: Tensor, options?: { beta?: number | undefined; alpha?: number | undefined }): Tensor;
    /** `aten::dot(Tensor self, Tensor tensor) -> Tensor` */
    dot(tensor: Tensor): Tensor;
    /** `aten::outer(Tensor self, Tensor vec2) -> Tensor` */
    outer(vec2: Tensor): Tensor;
    /** `aten::t(Tensor(a) self) -> Tensor(a)` */
    t(): Tensor;
    /** `aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)` */
    transpose(dim0: number, dim1: number): Tensor;
    /** `aten::permute(Tensor(a) self, int[] dims) -> Tensor(a)` */
    permute(...dims: number[]): Tensor;
    /** `aten::reshape(Tensor(a) self, SymInt[] shape) -> Tensor(a)` */
    reshape(...shape: number[]): Tensor;
    /** `aten::view(Tensor(a) self, SymInt[] size) -> Tensor(a)` */
    view(...size: number[]): Tensor;
    /** `aten::expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)` */
    expand(...size: number[]): Tensor;
    /** `aten::repeat(Tensor self, SymInt[] repeats) -> Tensor` */
    repeat(...repeats: number[]): Tensor;
    /** `aten::repeat_interleave.self_int(Tensor self, int repeats, int? dim=None, *, int? output_size=None) -> Tensor` */
    repeatInterleave(repeats: number, dim?: number | null, options?: { outputSize?: number | null | undefined }): Tensor;
    /** `aten::flatten.using_ints(Tensor(a) self, int start_dim=0, int end_dim=-1) -> Tensor(a)` */
    flatten(startDim?: number, endDim?: number): Tensor;
    /** `aten::unflatten.int(Tensor(a) self, int dim, int[] sizes) -> Tensor(a)` */
    unflatten(dim: number, sizes: number | readonly number[]): Tensor;
    /** `aten::squeeze(Tensor(a) self) -> Tensor(a)` or `aten::squeeze.dim(Tensor(a) self, int dim) -> Tensor(a)` */
    squeeze(dim?: number): Tensor;
    /** `aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a)` */
    unsqueeze(dim: number): Tensor;
    /** `aten::contiguous(Tensor(a) self, *, MemoryFormat memory_format=0) -> Tensor(a)` */
    contiguous(options?: { memoryFormat?: MemoryFormat | undefined }): Tensor;
    /** `aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor` */
    clone(options?: { memoryFormat?: MemoryFormat | null | undefined }): Tensor;
    /** `aten::detach(Tensor(a) self) -> Tensor(a)` */
    detach(): Tensor;
    /** `aten::alias(Tensor(a) self) -> Tensor(a)` */
    alias(): Tensor;
    /** `aten::select.int(Tensor(a) self, int dim, int index) -> Tensor(a)` */
    select(dim: number, index: number): Tensor;
    /** `aten::slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor(a)` */
    slice(dim?: number, start?: number | null, end?: number | null, step?: number): Tensor;
    /** `aten::narrow(Tensor(a) self, int dim, int start, int length) -> Tensor(a)` */
    narrow(dim: number, start: number, length: number): Tensor;
    /** `aten::split.Tensor(Tensor(a -> *) self, int split_size, int dim=0) -> Tensor(a)[]` */
    split(splitSize: number, dim?: number): Tensor[];
    /** `aten::split_with_sizes(Tensor(a -> *) self, int[] split_sizes, int dim=0) -> Tensor(a)[]` */
    splitWithSizes(splitSizes: number | readonly number[], dim?: number): Tensor[];
    /** `aten::chunk(Tensor(a -> *) self, int chunks, int dim=0) -> Tensor(a)[]` */
    chunk(chunks: number, dim?: number): Tensor[];
    /** `aten::unbind.int(Tensor(a -> *) self, int dim=0) -> Tensor(a)[]` */
    unbind(dim?: number): Tensor[];
    /** `aten::index_select(Tensor self, int dim, Tensor index) -> Tensor` */
    indexSelect(dim: number, index: Tensor): Tensor;
    /** `aten::index_add_(Tensor(a!) self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor(a!)` */
    indexAdd_(dim: number, index: Tensor, source: Tensor, options?: { alpha?: number | undefined }): this;
    /** `aten::index_copy_(Tensor(a!) self, int dim, Tensor index, Tensor source) -> Tensor(a!)` */
    indexCopy_(dim: number, index: Tensor, source: Tensor): this;
    /** `aten::gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor` */
    gather(dim: number, index: Tensor, options?: { sparseGrad?: boolean | undefined }): Tensor;
    /** `aten::scatter_.src(Tensor(a!) self, int dim, Tensor index, Tensor src) -> Tensor(a!)` */
    scatter_(dim: number, index: Tensor, src: Tensor): this;
    /** `aten::flip(Tensor self, int[] dims) -> Tensor` */
    flip(dims: number | readonly number[]): Tensor;
    /** `aten::roll(Tensor self, int[1] shifts, int[1] dims=[]) -> Tensor` */
    roll(shifts: number | readonly number[], dims?: number | readonly number[]): Tensor;
    /** `aten::triu(Tensor self, int diagonal=0) -> Tensor` */
    triu(diagonal?: number): Tensor;
    /** `aten::tril(Tensor self, int diagonal=0) -> Tensor` */
    tril(diagonal?: number): Tensor;
    /** `aten::diagonal(Tensor(a) self, int offset=0, int dim1=0, int dim2=1) -> Tensor(a)` */
    diagonal(offset?: number, dim1?: number, dim2?: number): Tensor;
    /** `aten::diag(Tensor self, int diagonal=0) -> Tensor` */
    diag(diagonal?: number): Tensor;
    /** `aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor` or `aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor` */
    sum(dim?: number | readonly number[] | null, keepdim?: boolean, options?: { dtype?: DType | null | undefined }): Tensor;
    /** `aten::mean(Tensor self, *, ScalarType? dtype=None) -> Tensor` or `aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor` */
    mean(dim?: number | readonly number[] | null, keepdim?: boolean, options?: { dtype?: DType | null | undefined }): Tensor;
    /** `aten::std.correction(Tensor self, int[1]? dim, *, int? correction, bool keepdim=False) -> Tensor` */
    std(dim: number | readonly number[] | null, options?: { correction?: number | null | undefined; keepdim?: boolean | undefined }): Tensor;
    /** `aten::var.correction(Tensor self, int[1]? dim, *, int? correction, bool keepdim=False) -> Tensor` */
    var(dim: number | readonly number[] | null, options?: { correction?: number | null | undefined; keepdim?: boolean | undefined }): Tensor;
    /** `aten::amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor` */
    amax(dim?: number | readonly number[], keepdim?: boolean): Tensor;
    /** `aten::amin(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor` */
    amin(dim?: number | readonly number[], keepdim?: boolean): Tensor;
    /** `aten::argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor` */
    argmax(dim?: number | null, keepdim?: boolean): Tensor;
    /** `aten::argmin(Tensor self, int? dim=None, bool keepdim=False) -> Tensor` */
    argmin(dim?: number | null, keepdim?: boolean): Tensor;
    /** `aten::prod(Tensor self, *, ScalarType? dtype=None) -> Tensor` */
    prod(options?: { dtype?: DType | null | undefined }): Tensor;
    /** `aten::cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor` */
    cumsum(dim: number, options?: { dtype?: DType | null | undefined }): Tensor;
    /** `aten::cumprod(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor` */
    cumprod(dim: number, options?: { dtype?: DType | null | undefined }): Tensor;
    /** `aten::any(Tensor self) -> Tensor` */
    any(): Tensor;
    /** `aten::all(Tensor self) -> Tensor` */
    all(): Tensor;
    /** `aten::sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)` */
    sort(dim?: number, descending?: boolean): [Tensor, Tensor];
    /** `aten::topk(Tensor self, int k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, Tensor indices)` */
    topk(k: number, dim?: number, largest?: boolean, sorted?: boolean): [Tensor, Tensor];
    /** `aten::nonzero(Tensor self) -> Tensor` */
    nonzero(): Tensor;
    /** `aten::equal(Tensor self, Tensor other) -> bool` */
    equal(other: Tensor): boolean;
    /** `aten::median(Tensor self) -> Tensor` */
    median(): Tensor;
    /** `aten::quantile.scalar(Tensor self, float q, int? dim=None, bool keepdim=False, *, str interpolation="linear") -> Tensor` */
    quantile(q: number, dim?: number | null, keepdim?: boolean, options?: { interpolation?: string | undefined }): Tensor;
    /** `aten::trace(Tensor self) -> Tensor` */
    trace(): Tensor;
    /** `aten::bincount(Tensor self, Tensor? weights=None, int minlength=0) -> Tensor` */
    bincount(weights?: Tensor | null, minlength?: number): Tensor;
  }
}

const op_add_Tensor = bind("add", "Tensor");
const op_add_Scalar = bind("add", "Scalar");
const op_add__Tensor = bind("add_", "Tensor");
const op_add__Scalar = bind("add_", "Scalar");
const op_sub_Tensor = bind("sub", "Tensor");
const op_sub_Scalar = bind("sub", "Scalar");
const op_sub__Tensor = bind("sub_", "Tensor");
const op_sub__Scalar = bind("sub_", "Scalar");
const op_mul_Tensor = bind("mul", "Tensor");
const op_mul_Scalar = bind("mul", "Scalar");
const op_mul__Tensor = bind("mul_", "Tensor");
const op_mul__Scalar = bind("mul_", "Scalar");
const op_div_Tensor = bind("div", "Tensor");
const op_div_Scalar = bind("div", "Scalar");
const op_div__Tensor = bind("div_", "Tensor");
const op_div__Scalar = bind("div_", "Scalar");
const op_remainder_Tensor = bind("remainder", "Tensor");
const op_remainder_Scalar = bind("remainder", "Scalar");
const op_pow_Tensor_Tensor = bind("pow", "Tensor_Tensor");
const op_pow_Tensor_Scalar = bind("pow", "Tensor_Scalar");
const op_maximum = bind("maximum");
const op_minimum = bind("minimum");
const op_eq_Tensor = bind("eq", "Tensor");
const op_eq_Scalar = bind("eq", "Scalar");
const op_ne_Tensor = bind("ne", "Tensor");
const op_ne_Scalar = bind("ne", "Scalar");
const op_lt_Tensor = bind("lt", "Tensor");
const op_lt_Scalar = bind("lt", "Scalar");
const op_le_Tensor = bind("le", "Tensor");
const op_le_Scalar = bind("le", "Scalar");
const op_gt_Tensor = bind("gt", "Tensor");
const op_gt_Scalar = bind("gt", "Scalar");
const op_ge_Tensor = bind("ge", "Tensor");
const op_ge_Scalar = bind("ge", "Scalar");
const op_logical_and = bind("logical_and");
const op_logical_or = bind("logical_or");
const op_logical_not = bind("logical_not");
const op_neg = bind("neg");
const op_abs = bind("abs");
const op_sign = bind("sign");
const op_sqrt = bind("sqrt");
const op_rsqrt = bind("rsqrt");
const op_square = bind("square");
const op_reciprocal = bind("reciprocal");
const op_exp = bind("exp");
const op_expm1 = bind("expm1");
const op_log = bind("log");
const op_log1p = bind("log1p");
const op_sin = bind("sin");
const op_cos = bind("cos");
const op_tanh = bind("tanh");
const op_erf = bind("erf");
const op_sigmoid = bind("sigmoid");
const op_floor = bind("floor");
const op_ceil = bind("ceil");
const op_round = bind("round");
const op_clamp = bind("clamp");
const op_clamp_ = bind("clamp_");
const op_isfinite = bind("isfinite");
const op_isnan = bind("isnan");
const op_addcmul_ = bind("addcmul_");
const op_addcdiv_ = bind("addcdiv_");
const op_lerp_Tensor = bind("lerp", "Tensor");
const op_lerp_Scalar = bind("lerp", "Scalar");
const op_lerp__Tensor = bind("lerp_", "Tensor");
const op_lerp__Scalar = bind("lerp_", "Scalar");
const op_copy_ = bind("copy_");
const op_fill__Scalar = bind("fill_", "Scalar");
const op_zero_ = bind("zero_");
const op_normal_ = bind("normal_");
const op_uniform_ = bind("uniform_");
const op_bernoulli__float = bind("bernoulli_", "float");
const op_masked_fill_Scalar = bind("masked_fill", "Scalar");
const op_masked_fill__Scalar = bind("masked_fill_", "Scalar");
const op_masked_select = bind("masked_select");
const op_matmul = bind("matmul");
const op_mm = bind("mm");
const op_bmm = bind("bmm");
const op_addmm = bind("addmm");
const op_baddbmm = bind("baddbmm");
const op_dot = bind("dot");
const op_outer = bind("outer");
const op_t = bind("t");
const op_transpose_int = bind("transpose", "int");
const op_permute = bind("permute");
const op_reshape = bind("reshape");
const op_view = bind("view");
const op_expand = bind("expand");
const op_repeat = bind("repeat");
const op_repeat_interleave_self_int = bind("repeat_interleave", "self_int");
const op_flatten_using_ints = bind("flatten", "using_ints");
const op_unflatten_int = bind("unflatten", "int");
const op_squeeze = bind("squeeze");
const op_squeeze_dim = bind("squeeze", "dim");
const op_unsqueeze = bind("unsqueeze");
const op_contiguous = bind("contiguous");
const op_clone = bind("clone");
const op_detach = bind("detach");
const op_alias = bind("alias");
const op_select_int = bind("select", "int");
const op_slice_Tensor = bind("slice", "Tensor");
const op_narrow = bind("narrow");
const op_split_Tensor = bind("split", "Tensor");
const op_split_with_sizes = bind("split_with_sizes");
const op_chunk = bind("chunk");
const op_unbind_int = bind("unbind", "int");
const op_index_select = bind("index_select");
const op_index_add_ = bind("index_add_");
const op_index_copy_ = bind("index_copy_");
const op_gather = bind("gather");
const op_scatter__src = bind("scatter_", "src");
const op_flip = bind("flip");
const op_roll = bind("roll");
const op_triu = bind("triu");
const op_tril = bind("tril");
const op_diagonal = bind("diagonal");
const op_diag = bind("diag");
const op_sum = bind("sum");
const op_sum_dim_IntList = bind("sum", "dim_IntList");
const op_mean = bind("mean");
const op_mean_dim = bind("mean", "dim");
const op_std_correction = bind("std", "correction");
const op_var_correction = bind("var", "correction");
const op_amax = bind("amax");
const op_amin = bind("amin");
const op_argmax = bind("argmax");
const op_argmin = bind("argmin");
const op_prod = bind("prod");
const op_cumsum = bind("cumsum");
const op_cumprod = bind("cumprod");
const op_any = bind("any");
const op_all = bind("all");
const op_sort = bind("sort");
const op_topk = bind("topk");
const op_nonzero = bind("nonzero");
const op_equal = bind("equal");
const op_median = bind("median");
const op_quantile_scalar = bind("quantile", "scalar");
const op_trace = bind("trace");
const op_bincount = bind("bincount");

const P = Tensor.prototype;
P.add = function (this: Tensor, other: Tensor | number, options?: { alpha?: number | undefined }): Tensor {
  if (typeof other !== "number") { return new Tensor(op_add_Tensor(this.handle, other.handle, options?.alpha)); }
  return new Tensor(op_add_Scalar(this.handle, other, options?.alpha));
} as Tensor["add"];
P.add_ = function (this: Tensor, other: Tensor | number, options?: { alpha?: number | undefined }) {
  if (typeof other !== "number") { op_add__Tensor(this.handle, other.handle, options?.alpha); return this; }
  op_add__Scalar(this.handle, other, options?.alpha); return this;
} as Tensor["add_"];
P.sub = function (this: Tensor, other: Tensor | number, options?: { alpha?: number | undefined }): Tensor {
  if (typeof other !== "number") { return new Tensor(op_sub_Tensor(this.handle, other.handle, options?.alpha)); }
  return new Tensor(op_sub_Scalar(this.handle, other, options?.alpha));
} as Tensor["sub"];
P.sub_ = function (this: Tensor, other: Tensor | number, options?: { alpha?: number | undefined }) {
  if (typeof other !== "number") { op_sub__Tensor(this.handle, other.handle, options?.alpha); return this; }
  op_sub__Scalar(this.handle, other, options?.alpha); return this;
} as Tensor["sub_"];
P.mul = function (this: Tensor, other: Tensor | number): Tensor {
  if (typeof other !== "number") { return new Tensor(op_mul_Tensor(this.handle, other.handle)); }
  return new Tensor(op_mul_Scalar(this.handle, other));
} as Tensor["mul"];
P.mul_ = function (this: Tensor, other: Tensor | number) {
  if (typeof other !== "number") { op_mul__Tensor(this.handle, other.handle); return this; }
  op_mul__Scalar(this.handle, other); return this;
} as Tensor["mul_"];
P.div = function (this: Tensor, other: Tensor | number): Tensor {
  if (typeof other !== "number") { return new Tensor(op_div_Tensor(this.handle, other.handle)); }
  return new Tensor(op_div_Scalar(this.handle, other));
} as Tensor["div"];
P.div_ = function (this: Tensor, other: Tensor | number) {
  if (typeof other !== "number") { op_div__Tensor(this.handle, other.handle); return this; }
  op_div__Scalar(this.handle, other); return this;
} as Tensor["div_"];
P.remainder = function (this: Tensor, other: Tensor | number): Tensor {
  if (typeof other !== "number") { return new Tensor(op_remainder_Tensor(this.handle, other.handle)); }
  return new Tensor(op_remainder_Scalar(this.handle, other));
} as Tensor["remainder"];
P.pow = function (this: Tensor, exponent: Tensor | number): Tensor {
  if (typeof exponent !== "number") { return new Tensor(op_pow_Tensor_Tensor(this.handle, exponent.handle)); }
  return new Tensor(op_pow_Tensor_Scalar(this.handle, exponent));
} as Tensor["pow"];
P.maximum = function (this: Tensor, other: Tensor): Tensor {
  return new Tensor(op_maximum(this.handle, other.handle));
} as Tensor["maximum"];
P.minimum = function (this: Tensor, other: Tensor): Tensor {
  return new Tensor(op_minimum(this.handle, other.handle));
} as Tensor["minimum"];
P.eq = function (this: Tensor, other: Tensor | number): Tensor {
  if (typeof other !== "number") { return new Tensor(op_eq_Tensor(this.handle, other.handle)); }
  return new Tensor(op_eq_Scalar(this.handle, other));
} as Tensor["eq"];
P.ne = function (this: Tensor, other: Tensor | number): Tensor {
  if (typeof other !== "number") { return new Tensor(op_ne_Tensor(this.handle, other.handle)); }
  return new Tensor(op_ne_Scalar(this.handle, other));
} as Tensor["ne"];
P.lt = function (this: Tensor, other: Tensor | number): Tensor {
  if (typeof other !== "number") { return new Tensor(op_lt_Tensor(this.handle, other.handle)); }
  return new Tensor(op_lt_Scalar(this.handle, other));
} as Tensor["lt"];
P.le = function (this: Tensor, other: Tensor | number): Tensor {
  if (typeof other !== "number") { return new Tensor(op_le_Tensor(this.handle, other.handle)); }
  return new Tensor(op_le_Scalar(this.handle, other));
} as Tensor["le"];
P.gt = function (this: Tensor, other: Tensor | number): Tensor {
  if (typeof other !== "number") { return new Tensor(op_gt_Tensor(this.handle, other.handle)); }
  return new Tensor(op_gt_Scalar(this.handle, other));
} as Tensor["gt"];
P.ge = function (this: Tensor, other: Tensor | number): Tensor {
  if (typeof other !== "number") { return new Tensor(op_ge_Tensor(this.handle, other.handle)); }
  return new Tensor(op_ge_Scalar(this.handle, other));
} as Tensor["ge"];
P.logicalAnd = function (this: Tensor, other: Tensor): Tensor {
  return new Tensor(op_logical_and(this.handle, other.handle));
} as Tensor["logicalAnd"];
P.logicalOr = function (this: Tensor, other: Tensor): Tensor {
  return new Tensor(op_logical_or(this.handle, other.handle));
} as Tensor["logicalOr"];
P.logicalNot = function (this: Tensor, ): Tensor {
  return new Tensor(op_logical_not(this.handle));
} as Tensor["logicalNot"];
P.neg = function (this: Tensor, ): Tensor {
  return new Tensor(op_neg(this.handle));
} as Tensor["neg"];
P.abs = function (this: Tensor, ): Tensor {
  return new Tensor(op_abs(this.handle));
} as Tensor["abs"];
P.sign = function (this: Tensor, ): Tensor {
  return new Tensor(op_sign(this.handle));
} as Tensor["sign"];
P.sqrt = function (this: Tensor, ): Tensor {
  return new Tensor(op_sqrt(this.handle));
} as Tensor["sqrt"];
P.rsqrt = function (this: Tensor, ): Tensor {
  return new Tensor(op_rsqrt(this.handle));
} as Tensor["rsqrt"];
P.square = function (this: Tensor, ): Tensor {
  return new Tensor(op_square(this.handle));
} as Tensor["square"];
P.reciprocal = function (this: Tensor, ): Tensor {
  return new Tensor(op_reciprocal(this.handle));
} as Tensor["reciprocal"];
P.exp = function (this: Tensor, ): Tensor {
  return new Tensor(op_exp(this.handle));
} as Tensor["exp"];
P.expm1 = function (this: Tensor, ): Tensor {
  return new Tensor(op_expm1(this.handle));
} as Tensor["expm1"];
P.log = function (this: Tensor, ): Tensor {
  return new Tensor(op_log(this.handle));
} as Tensor["log"];
P.log1p = function (this: Tensor, ): Tensor {
  return new Tensor(op_log1p(this.handle));
} as Tensor["log1p"];
P.sin = function (this: Tensor, ): Tensor {
  return new Tensor(op_sin(this.handle));
} as Tensor["sin"];
P.cos = function (this: Tensor, ): Tensor {
  return new Tensor(op_cos(this.handle));
} as Tensor["cos"];
P.tanh = function (this: Tensor, ): Tensor {
  return new Tensor(op_tanh(this.handle));
} as Tensor["tanh"];
P.erf = function (this: Tensor, ): Tensor {
  return new Tensor(op_erf(this.handle));
} as Tensor["erf"];
P.sigmoid = function (this: Tensor, ): Tensor {
  return new Tensor(op_sigmoid(this.handle));
} as Tensor["sigmoid"];
P.floor = function (this: Tensor, ): Tensor {
  return new Tensor(op_floor(this.handle));
} as Tensor["floor"];
P.ceil = function (this: Tensor, ): Tensor {
  return new Tensor(op_ceil(this.handle));
} as Tensor["ceil"];
P.round = function (this: Tensor, ): Tensor {
  return new Tensor(op_round(this.handle));
} as Tensor["round"];
P.clamp = function (this: Tensor, min?: number | null, max?: number | null): Tensor {
  return new Tensor(op_clamp(this.handle, min, max));
} as Tensor["clamp"];
P.clamp_ = function (this: Tensor, min?: number | null, max?: number | null) {
  op_clamp_(this.handle, min, max);
  return this;
} as Tensor["clamp_"];
P.isfinite = function (this: Tensor, ): Tensor {
  return new Tensor(op_isfinite(this.handle));
} as Tensor["isfinite"];
P.isnan = function (this: Tensor, ): Tensor {
  return new Tensor(op_isnan(this.handle));
} as Tensor["isnan"];
P.addcmul_ = function (this: Tensor, tensor1: Tensor, tensor2: Tensor, options?: { value?: number | undefined }) {
  op_addcmul_(this.handle, tensor1.handle, tensor2.handle, options?.value);
  return this;
} as Tensor["addcmul_"];
P.addcdiv_ = function (this: Tensor, tensor1: Tensor, tensor2: Tensor, options?: { value?: number | undefined }) {
  op_addcdiv_(this.handle, tensor1.handle, tensor2.handle, options?.value);
  return this;
} as Tensor["addcdiv_"];
P.lerp = function (this: Tensor, end: Tensor, weight: Tensor | number): Tensor {
  if (typeof weight !== "number") { return new Tensor(op_lerp_Tensor(this.handle, end.handle, weight.handle)); }
  return new Tensor(op_lerp_Scalar(this.handle, end.handle, weight));
} as Tensor["lerp"];
P.lerp_ = function (this: Tensor, end: Tensor, weight: Tensor | number) {
  if (typeof weight !== "number") { op_lerp__Tensor(this.handle, end.handle, weight.handle); return this; }
  op_lerp__Scalar(this.handle, end.handle, weight); return this;
} as Tensor["lerp_"];
P.copy_ = function (this: Tensor, src: Tensor, nonBlocking?: boolean) {
  op_copy_(this.handle, src.handle, nonBlocking);
  return this;
} as Tensor["copy_"];
P.fill_ = function (this: Tensor, value: number) {
  op_fill__Scalar(this.handle, value);
  return this;
} as Tensor["fill_"];
P.zero_ = function (this: Tensor, ) {
  op_zero_(this.handle);
  return this;
} as Tensor["zero_"];
P.normal_ = function (this: Tensor, mean?: number, std?: number, options?: { generator?: Generator | null | undefined }) {
  op_normal_(this.handle, mean, std, options?.generator?.native);
  return this;
} as Tensor["normal_"];
P.uniform_ = function (this: Tensor, from?: number, to?: number, options?: { generator?: Generator | null | undefined }) {
  op_uniform_(this.handle, from, to, options?.generator?.native);
  return this;
} as Tensor["uniform_"];
P.bernoulli_ = function (this: Tensor, p?: number, options?: { generator?: Generator | null | undefined }) {
  op_bernoulli__float(this.handle, p, options?.generator?.native);
  return this;
} as Tensor["bernoulli_"];
P.maskedFill = function (this: Tensor, mask: Tensor, value: number): Tensor {
  return new Tensor(op_masked_fill_Scalar(this.handle, mask.handle, value));
} as Tensor["maskedFill"];
P.maskedFill_ = function (this: Tensor, mask: Tensor, value: number) {
  op_masked_fill__Scalar(this.handle, mask.handle, value);
  return this;
} as Tensor["maskedFill_"];
P.maskedSelect = function (this: Tensor, mask: Tensor): Tensor {
  return new Tensor(op_masked_select(this.handle, mask.handle));
} as Tensor["maskedSelect"];
P.matmul = function (this: Tensor, other: Tensor): Tensor {
  return new Tensor(op_matmul(this.handle, other.handle));
} as Tensor["matmul"];
P.mm = function (this: Tensor, mat2: Tensor): Tensor {
  return new Tensor(op_mm(this.handle, mat2.handle));
} as Tensor["mm"];
P.bmm = function (this: Tensor, mat2: Tensor): Tensor {
  return new Tensor(op_bmm(this.handle, mat2.handle));
} as Tensor["bmm"];
P.addmm = function (this: Tensor, mat1: Tensor, mat2: Tensor, options?: { beta?: number | undefined; alpha?: number | undefined }): Tensor {
  return new Tensor(op_addmm(this.handle, mat1.handle, mat2.handle, options?.beta, options?.alpha));
} as Tensor["addmm"];
P.baddbmm = function (this: Tensor, batch1: Tensor, batch2: Tensor, options?: { beta?: number | undefined; alpha?: number | undefined }): Tensor {
  return new Tensor(op_baddbmm(this.handle, batch1.handle, batch2.handle, options?.beta, options?.alpha));
} as Tensor["baddbmm"];
P.dot = function (this: Tensor, tensor: Tensor): Tensor {
  return new Tensor(op_dot(this.handle, tensor.handle));
} as Tensor["dot"];
P.outer = function (this: Tensor, vec2: Tensor): Tensor {
  return new Tensor(op_outer(this.handle, vec2.handle));
} as Tensor["outer"];
P.t = function (this: Tensor, ): Tensor {
  return new Tensor(op_t(this.handle));
} as Tensor["t"];
P.transpose = function (this: Tensor, dim0: number, dim1: number): Tensor {
  return new Tensor(op_transpose_int(this.handle, dim0, dim1));
} as Tensor["transpose"];
P.permute = function (this: Tensor, ...dims: number[]): Tensor {
  return new Tensor(op_permute(this.handle, dims));
} as Tensor["permute"];
P.reshape = function (this: Tensor, ...shape: number[]): Tensor {
  return new Tensor(op_reshape(this.handle, shape));
} as Tensor["reshape"];
P.view = function (this: Tensor, ...size: number[]): Tensor {
  return new Tensor(op_view(this.handle, size));
} as Tensor["view"];
P.expand = function (this: Tensor, ...size: number[]): Tensor {
  return new Tensor(op_expand(this.handle, size));
} as Tensor["expand"];
P.repeat = function (this: Tensor, ...repeats: number[]): Tensor {
  return new Tensor(op_repeat(this.handle, repeats));
} as Tensor["repeat"];
P.repeatInterleave = function (this: Tensor, repeats: number, dim?: number | null, options?: { outputSize?: number | null | undefined }): Tensor {
  return new Tensor(op_repeat_interleave_self_int(this.handle, repeats, dim, options?.outputSize));
} as Tensor["repeatInterleave"];
P.flatten = function (this: Tensor, startDim?: number, endDim?: number): Tensor {
  return new Tensor(op_flatten_using_ints(this.handle, startDim, endDim));
} as Tensor["flatten"];
P.unflatten = function (this: Tensor, dim: number, sizes: number | readonly number[]): Tensor {
  return new Tensor(op_unflatten_int(this.handle, dim, sizes));
} as Tensor["unflatten"];
P.squeeze = function (this: Tensor, dim?: number): Tensor {
  if (dim === undefined) { return new Tensor(op_squeeze(this.handle)); }
  return new Tensor(op_squeeze_dim(this.handle, dim));
} as Tensor["squeeze"];
P.unsqueeze = function (this: Tensor, dim: number): Tensor {
  return new Tensor(op_unsqueeze(this.handle, dim));
} as Tensor["unsqueeze"];
P.contiguous = function (this: Tensor, options?: { memoryFormat?: MemoryFormat | undefined }): Tensor {
  return new Tensor(op_contiguous(this.handle, options?.memoryFormat));
} as Tensor["contiguous"];
P.clone = function (this: Tensor, options?: { memoryFormat?: MemoryFormat | null | undefined }): Tensor {
  return new Tensor(op_clone(this.handle, options?.memoryFormat));
} as Tensor["clone"];
P.detach = function (this: Tensor, ): Tensor {
  return new Tensor(op_detach(this.handle));
} as Tensor["detach"];
P.alias = function (this: Tensor, ): Tensor {
  return new Tensor(op_alias(this.handle));
} as Tensor["alias"];
P.select = function (this: Tensor, dim: number, index: number): Tensor {
  return new Tensor(op_select_int(this.handle, dim, index));
} as Tensor["select"];
P.slice = function (this: Tensor, dim?: number, start?: number | null, end?: number | null, step?: number): Tensor {
  return new Tensor(op_slice_Tensor(this.handle, dim, start, end, step));
} as Tensor["slice"];
P.narrow = function (this: Tensor, dim: number, start: number, length: number): Tensor {
  return new Tensor(op_narrow(this.handle, dim, start, length));
} as Tensor["narrow"];
P.split = function (this: Tensor, splitSize: number, dim?: number): Tensor[] {
  return wrapAll(op_split_Tensor(this.handle, splitSize, dim));
} as Tensor["split"];
P.splitWithSizes = function (this: Tensor, splitSizes: number | readonly number[], dim?: number): Tensor[] {
  return wrapAll(op_split_with_sizes(this.handle, splitSizes, dim));
} as Tensor["splitWithSizes"];
P.chunk = function (this: Tensor, chunks: number, dim?: number): Tensor[] {
  return wrapAll(op_chunk(this.handle, chunks, dim));
} as Tensor["chunk"];
P.unbind = function (this: Tensor, dim?: number): Tensor[] {
  return wrapAll(op_unbind_int(this.handle, dim));
} as Tensor["unbind"];
P.indexSelect = function (this: Tensor, dim: number, index: Tensor): Tensor {
  return new Tensor(op_index_select(this.handle, dim, index.handle));
} as Tensor["indexSelect"];
P.indexAdd_ = function (this: Tensor, dim: number, index: Tensor, source: Tensor, options?: { alpha?: number | undefined }) {
  op_index_add_(this.handle, dim, index.handle, source.handle, options?.alpha);
  return this;
} as Tensor["indexAdd_"];
P.indexCopy_ = function (this: Tensor, dim: number, index: Tensor, source: Tensor) {
  op_index_copy_(this.handle, dim, index.handle, source.handle);
  return this;
} as Tensor["indexCopy_"];
P.gather = function (this: Tensor, dim: number, index: Tensor, options?: { sparseGrad?: boolean | undefined }): Tensor {
  return new Tensor(op_gather(this.handle, dim, index.handle, options?.sparseGrad));
} as Tensor["gather"];
P.scatter_ = function (this: Tensor, dim: number, index: Tensor, src: Tensor) {
  op_scatter__src(this.handle, dim, index.handle, src.handle);
  return this;
} as Tensor["scatter_"];
P.flip = function (this: Tensor, dims: number | readonly number[]): Tensor {
  return new Tensor(op_flip(this.handle, dims));
} as Tensor["flip"];
P.roll = function (this: Tensor, shifts: number | readonly number[], dims?: number | readonly number[]): Tensor {
  return new Tensor(op_roll(this.handle, shifts, dims));
} as Tensor["roll"];
P.triu = function (this: Tensor, diagonal?: number): Tensor {
  return new Tensor(op_triu(this.handle, diagonal));
} as Tensor["triu"];
P.tril = function (this: Tensor, diagonal?: number): Tensor {
  return new Tensor(op_tril(this.handle, diagonal));
} as Tensor["tril"];
P.diagonal = function (this: Tensor, offset?: number, dim1?: number, dim2?: number): Tensor {
  return new Tensor(op_diagonal(this.handle, offset, dim1, dim2));
} as Tensor["diagonal"];
P.diag = function (this: Tensor, diagonal?: number): Tensor {
  return new Tensor(op_diag(this.handle, diagonal));
} as Tensor["diag"];
P.sum = function (this: Tensor, dim?: number | readonly number[] | null, keepdim?: boolean, options?: { dtype?: DType | null | undefined }): Tensor {
  if (dim === undefined) { return new Tensor(op_sum(this.handle, options?.dtype == null ? undefined : dtypeCode(options?.dtype))); }
  return new Tensor(op_sum_dim_IntList(this.handle, dim, keepdim, options?.dtype == null ? undefined : dtypeCode(options?.dtype)));
} as Tensor["sum"];
P.mean = function (this: Tensor, dim?: number | readonly number[] | null, keepdim?: boolean, options?: { dtype?: DType | null | undefined }): Tensor {
  if (dim === undefined) { return new Tensor(op_mean(this.handle, options?.dtype == null ? undefined : dtypeCode(options?.dtype))); }
  return new Tensor(op_mean_dim(this.handle, dim, keepdim, options?.dtype == null ? undefined : dtypeCode(options?.dtype)));
} as Tensor["mean"];
P.std = function (this: Tensor, dim: number | readonly number[] | null, options?: { correction?: number | null | undefined; keepdim?: boolean | undefined }): Tensor {
  return new Tensor(op_std_correction(this.handle, dim, options?.correction, options?.keepdim));
} as Tensor["std"];
P.var = function (this: Tensor, dim: number | readonly number[] | null, options?: { correction?: number | null | undefined; keepdim?: boolean | undefined }): Tensor {
  return new Tensor(op_var_correction(this.handle, dim, options?.correction, options?.keepdim));
} as Tensor["var"];
P.amax = function (this: Tensor, dim?: number | readonly number[], keepdim?: boolean): Tensor {
  return new Tensor(op_amax(this.handle, dim, keepdim));
} as Tensor["amax"];
P.amin = function (this: Tensor, dim?: number | readonly number[], keepdim?: boolean): Tensor {
  return new Tensor(op_amin(this.handle, dim, keepdim));
} as Tensor["amin"];
P.argmax = function (this: Tensor, dim?: number | null, keepdim?: boolean): Tensor {
  return new Tensor(op_argmax(this.handle, dim, keepdim));
} as Tensor["argmax"];
P.argmin = function (this: Tensor, dim?: number | null, keepdim?: boolean): Tensor {
  return new Tensor(op_argmin(this.handle, dim, keepdim));
} as Tensor["argmin"];
P.prod = function (this: Tensor, options?: { dtype?: DType | null | undefined }): Tensor {
  return new Tensor(op_prod(this.handle, options?.dtype == null ? undefined : dtypeCode(options?.dtype)));
} as Tensor["prod"];
P.cumsum = function (this: Tensor, dim: number, options?: { dtype?: DType | null | undefined }): Tensor {
  return new Tensor(op_cumsum(this.handle, dim, options?.dtype == null ? undefined : dtypeCode(options?.dtype)));
} as Tensor["cumsum"];
P.cumprod = function (this: Tensor, dim: number, options?: { dtype?: DType | null | undefined }): Tensor {
  return new Tensor(op_cumprod(this.handle, dim, options?.dtype == null ? undefined : dtypeCode(options?.dtype)));
} as Tensor["cumprod"];
P.any = function (this: Tensor, ): Tensor {
  return new Tensor(op_any(this.handle));
} as Tensor["any"];
P.all = function (this: Tensor, ): Tensor {
  return new Tensor(op_all(this.handle));
} as Tensor["all"];
P.sort = function (this: Tensor, dim?: number, descending?: boolean): [Tensor, Tensor] {
  const r: Handle[] = op_sort(this.handle, dim, descending);
  return [new Tensor(r[0] as Handle), new Tensor(r[1] as Handle)];
} as Tensor["sort"];
P.topk = function (this: Tensor, k: number, dim?: number, largest?: boolean, sorted?: boolean): [Tensor, Tensor] {
  const r: Handle[] = op_topk(this.handle, k, dim, largest, sorted);
  return [new Tensor(r[0] as Handle), new Tensor(r[1] as Handle)];
} as Tensor["topk"];
P.nonzero = function (this: Tensor, ): Tensor {
  return new Tensor(op_nonzero(this.handle));
} as Tensor["nonzero"];
P.equal = function (this: Tensor, other: Tensor): boolean {
  return op_equal(this.handle, other.handle);
} as Tensor["equal"];
P.median = function (this: Tensor, ): Tensor {
  return new Tensor(op_median(this.handle));
} as Tensor["median"];
P.quantile = function (this: Tensor, q: number, dim?: number | null, keepdim?: boolean, options?: { interpolation?: string | undefined }): Tensor {
  return new Tensor(op_quantile_scalar(this.handle, q, dim, keepdim, options?.interpolation));
} as Tensor["quantile"];
P.trace = function (this: Tensor, ): Tensor {
  return new Tensor(op_trace(this.handle));
} as Tensor["trace"];
P.bincount = function (this: Tensor, weights?: Tensor | null, minlength?: number): Tensor {
  return new Tensor(op_bincount(this.handle, weights?.handle, minlength));
} as Tensor["bincount"];
