// The vectors of two instruction sets under the same names, and the kernels that are written with them, compiled for each.
// A kernel is a header without a guard: it is included once in every namespace.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

namespace simd {

// Memory that a thread keeps, on the boundary that vectors ask for.
class Scratch {
 public:
  float* floats(int64_t n) {
    if (n > size_) {
      std::free(data_);
      data_ = static_cast<float*>(std::aligned_alloc(64, (n * sizeof(float) + 63) / 64 * 64));
      size_ = data_ ? n : 0;
      if (!data_) throw std::bad_alloc();
    }
    return data_;
  }
  ~Scratch() { std::free(data_); }

 private:
  float* data_ = nullptr;
  int64_t size_ = 0;
};

// x [rows, depth] times a weight [depth, columns] of the type T that the product was asked for. Either may lie turned: its
// numbers along `depth` far apart for x, next to each other for the weight.
struct Term {
  const float* x = nullptr;
  int64_t xStride = 0;
  bool xTurned = false;
  const void* weight = nullptr;
  int64_t weightStride = 0;
  bool weightTurned = false;
  int64_t depth = 0;
};

// y [rows, columns] = x · W + x' · W' + bias, W' (if there) in float32; or added to what y is.
struct Product {
  Term main, update;
  float* y;
  int64_t yStride;
  int64_t rows, columns;
  const float* bias = nullptr;
  bool accumulate = false;
};

// Panels [from, to) of the result's columns, for rows [top, bottom).
using ProductPart = void (*)(const Product&, int64_t from, int64_t to, int64_t top, int64_t bottom);

// A channel's rows of tiles to the 16 numbers that Winograd's convolution multiplies.
using PlaneTiles = void (*)(const float* plane, int64_t height, int64_t width, int64_t from, int64_t to, float* v, int64_t vStride);
// Filters of 3 × 3 to the 16 numbers that Winograd's convolution multiplies with.
using Filters = void (*)(const void* weight, int64_t count, float* u, int64_t uStride);

// One head's queries, keys, values: rows `stride` apart, and how many.
struct Rows {
  float* at;
  int64_t stride, count;
  float* row(int64_t i) const { return at + i * stride; }
};

// A group of channels of one picture, and what is normed with it.
struct NormGroup {
  const float* x;      // [channels, pixels]
  const float* shift;  // added to every number of a channel before; null for none
  const float *weight, *bias;
  float* statistics;   // the mean, and one over the deviation
  int64_t channels, pixels;
  float shiftOf(int64_t c) const { return shift ? shift[c] : 0; }
};

// What an attention's gradient is made from, one head of each.
struct HeadGradient {
  Rows q, k, v, out, ofOut, ofQ, ofK, ofV;
  const float* logSums;
};

}  // namespace simd

#if defined(__x86_64__) && defined(__GNUC__)
#define STILLFRAME_SIMD 1
#include <immintrin.h>

namespace simd::avx512 {
#define ISA __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,f16c,fma")))
#define INLINE ISA inline __attribute__((always_inline))
using Vector = __m512;
constexpr int kLanes = 16, kRows = 14;
INLINE Vector zero() { return _mm512_setzero_ps(); }
INLINE Vector all(float v) { return _mm512_set1_ps(v); }
INLINE Vector load(const float* p) { return _mm512_load_ps(p); }
INLINE Vector loadu(const float* p) { return _mm512_loadu_ps(p); }
INLINE void store(float* p, Vector v) { _mm512_store_ps(p, v); }
INLINE void storeu(float* p, Vector v) { _mm512_storeu_ps(p, v); }
INLINE Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
INLINE Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
INLINE Vector sub(Vector a, Vector b) { return _mm512_sub_ps(a, b); }
INLINE Vector mul(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
INLINE Vector div(Vector a, Vector b) { return _mm512_div_ps(a, b); }
INLINE Vector largest(Vector a, Vector b) { return _mm512_max_ps(a, b); }
INLINE Vector magnitude(Vector a) { return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a); }
INLINE Vector signOf(Vector sign, Vector a) { return _mm512_or_ps(a, _mm512_and_ps(_mm512_set1_ps(-0.0f), sign)); }
INLINE Vector smallerThan(Vector a, Vector b, Vector yes, Vector no) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes);
}
INLINE Vector nearest(Vector a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
INLINE Vector timesPowerOfTwo(Vector a, Vector n) { return _mm512_scalef_ps(a, n); }
INLINE float sumOf(Vector a) { return _mm512_reduce_add_ps(a); }
INLINE float largestOf(Vector a) { return _mm512_reduce_max_ps(a); }
INLINE Vector widen(const float* p) { return _mm512_loadu_ps(p); }
INLINE __m256i sixteen(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
INLINE Vector widen(const c10::Half* p) { return _mm512_cvtph_ps(sixteen(p)); }
INLINE Vector widen(const c10::BFloat16* p) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(sixteen(p)), 16));
}
INLINE Vector low1(Vector a, Vector b) { return _mm512_unpacklo_ps(a, b); }
INLINE Vector high1(Vector a, Vector b) { return _mm512_unpackhi_ps(a, b); }
INLINE Vector low2(Vector a, Vector b) { return _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b))); }
INLINE Vector high2(Vector a, Vector b) { return _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b))); }
// of two vectors in a row, every second number
INLINE Vector evens(Vector a, Vector b) {
  return _mm512_permutex2var_ps(a, _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30), b);
}
INLINE Vector odds(Vector a, Vector b) {
  return _mm512_permutex2var_ps(a, _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31), b);
}
// numbers of two vectors by turns
INLINE Vector interleavedLow(Vector a, Vector b) {
  return _mm512_permutex2var_ps(a, _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23), b);
}
INLINE Vector interleavedHigh(Vector a, Vector b) {
  return _mm512_permutex2var_ps(a, _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), b);
}
// the first `n` numbers of a vector, or all where it has fewer; none for a negative `n`
INLINE __mmask16 someOf(int64_t n) { return static_cast<__mmask16>((1u << std::max<int64_t>(n, 0)) - 1); }
INLINE Vector loadSome(const float* p, int64_t n) { return n >= kLanes ? loadu(p) : _mm512_maskz_loadu_ps(someOf(n), p); }
INLINE void storeSome(float* p, Vector v, int64_t n) {
  if (n >= kLanes) _mm512_storeu_ps(p, v);
  else _mm512_mask_storeu_ps(p, someOf(n), v);
}
#include "transpose-kernel.h"
// 16 vectors of 16: within quarters by pairs and pairs of pairs, then the quarters
INLINE void transpose(Vector* v) {
  Vector t[kLanes];
  transposeFours(v, t);
#pragma GCC unroll 16
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_f32x4(v[i], v[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_f32x4(v[i], v[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_f32x4(v[i + 8], v[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_f32x4(v[i + 8], v[i + 12], 0xdd);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 8; i++) {
    v[i] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
    v[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
  }
}
#include "gemm-kernel.h"
#include "elementwise-kernel.h"
#include "attention-kernel.h"
#include "norm-kernel.h"
#include "winograd-kernel.h"
#undef INLINE
#undef ISA
}  // namespace simd::avx512

namespace simd::avx2 {
#define ISA __attribute__((target("avx2,f16c,fma")))
#define INLINE ISA inline __attribute__((always_inline))
using Vector = __m256;
constexpr int kLanes = 8, kRows = 6;
INLINE Vector zero() { return _mm256_setzero_ps(); }
INLINE Vector all(float v) { return _mm256_set1_ps(v); }
INLINE Vector load(const float* p) { return _mm256_load_ps(p); }
INLINE Vector loadu(const float* p) { return _mm256_loadu_ps(p); }
INLINE void store(float* p, Vector v) { _mm256_store_ps(p, v); }
INLINE void storeu(float* p, Vector v) { _mm256_storeu_ps(p, v); }
INLINE Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
INLINE Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
INLINE Vector sub(Vector a, Vector b) { return _mm256_sub_ps(a, b); }
INLINE Vector mul(Vector a, Vector b) { return _mm256_mul_ps(a, b); }
INLINE Vector div(Vector a, Vector b) { return _mm256_div_ps(a, b); }
INLINE Vector largest(Vector a, Vector b) { return _mm256_max_ps(a, b); }
INLINE Vector magnitude(Vector a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
INLINE Vector signOf(Vector sign, Vector a) { return _mm256_or_ps(a, _mm256_and_ps(_mm256_set1_ps(-0.0f), sign)); }
INLINE Vector smallerThan(Vector a, Vector b, Vector yes, Vector no) {
  return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}
INLINE Vector nearest(Vector a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
// in two halves, so that results below the smallest normal number and above half of the largest come out right
INLINE Vector timesPowerOfTwo(Vector a, Vector n) {
  const __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1), bias = _mm256_set1_epi32(127);
  const auto power = [&](__m256i e) ISA { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(e, bias), 23)); };
  return _mm256_mul_ps(_mm256_mul_ps(a, power(half)), power(_mm256_sub_epi32(whole, half)));
}
INLINE float sumOf(Vector a) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}
INLINE float largestOf(Vector a) {
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}
INLINE Vector widen(const float* p) { return _mm256_loadu_ps(p); }
INLINE __m128i eight(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
INLINE Vector widen(const c10::Half* p) { return _mm256_cvtph_ps(eight(p)); }
INLINE Vector widen(const c10::BFloat16* p) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(eight(p)), 16));
}
INLINE Vector low1(Vector a, Vector b) { return _mm256_unpacklo_ps(a, b); }
INLINE Vector high1(Vector a, Vector b) { return _mm256_unpackhi_ps(a, b); }
INLINE Vector low2(Vector a, Vector b) { return _mm256_castpd_ps(_mm256_unpacklo_pd(_mm256_castps_pd(a), _mm256_castps_pd(b))); }
INLINE Vector high2(Vector a, Vector b) { return _mm256_castpd_ps(_mm256_unpackhi_pd(_mm256_castps_pd(a), _mm256_castps_pd(b))); }
INLINE Vector quartersInOrder(Vector a) { return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(a), 0xd8)); }
INLINE Vector evens(Vector a, Vector b) { return quartersInOrder(_mm256_shuffle_ps(a, b, 0x88)); }
INLINE Vector odds(Vector a, Vector b) { return quartersInOrder(_mm256_shuffle_ps(a, b, 0xdd)); }
INLINE Vector interleavedLow(Vector a, Vector b) { return _mm256_permute2f128_ps(low1(a, b), high1(a, b), 0x20); }
INLINE Vector interleavedHigh(Vector a, Vector b) { return _mm256_permute2f128_ps(low1(a, b), high1(a, b), 0x31); }
INLINE __m256i someOf(int64_t n) {
  const __m256i places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(std::max<int64_t>(n, 0))), places);
}
INLINE Vector loadSome(const float* p, int64_t n) { return n >= kLanes ? loadu(p) : _mm256_maskload_ps(p, someOf(n)); }
INLINE void storeSome(float* p, Vector v, int64_t n) {
  if (n >= kLanes) _mm256_storeu_ps(p, v);
  else _mm256_maskstore_ps(p, someOf(n), v);
}
#include "transpose-kernel.h"
// 8 vectors of 8: within halves, then the halves
INLINE void transpose(Vector* v) {
  Vector t[kLanes];
  transposeFours(v, t);
#pragma GCC unroll 8
  for (int i = 0; i < 4; i++) {
    t[i] = _mm256_permute2f128_ps(v[i], v[i + 4], 0x20);
    t[i + 4] = _mm256_permute2f128_ps(v[i], v[i + 4], 0x31);
  }
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) v[i] = t[i];
}
#include "gemm-kernel.h"
#include "elementwise-kernel.h"
#include "attention-kernel.h"
#include "norm-kernel.h"
#include "winograd-kernel.h"
#undef INLINE
#undef ISA
}  // namespace simd::avx2
#endif
