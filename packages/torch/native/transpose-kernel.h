// The part of a transposition that is the same for every instruction set; see simd.h.

// Transposes each 4 by 4 block of kLanes vectors: by pairs into `t`, then by pairs of pairs.
INLINE void transposeFours(Vector* v, Vector* t) {
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; i += 2) {
    t[i] = low1(v[i], v[i + 1]);
    t[i + 1] = high1(v[i], v[i + 1]);
  }
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; i += 4) {
    v[i] = low2(t[i], t[i + 2]);
    v[i + 1] = high2(t[i], t[i + 2]);
    v[i + 2] = low2(t[i + 1], t[i + 3]);
    v[i + 3] = high2(t[i + 1], t[i + 3]);
  }
}
