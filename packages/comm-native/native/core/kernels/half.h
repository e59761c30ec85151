#pragma once

#include "lanes.h"

#if KAITIAN_F16C
#include <immintrin.h>
#endif

// F16 and BF16 to fp32 and back, a vector at a time: to nearest, ties to even,
// denormals kept, every NaN one fixed NaN.

namespace kaitian {
namespace {

constexpr uint32_t kMagnitude = 0x7fffffff;

// The BF16 is the upper half of each lane; the lower half is left over.
inline Words roundToBf16(Floats value) {
  constexpr uint32_t kNaN = 0x7fc00000;
  const Words bits = (Words)value;
  // Just below a half, and one more where the last kept bit is odd. A carry
  // into the exponent is right, up to infinity.
  const Words rounded = bits + 0x7fff + ((bits >> 16) & 1);
  return value == value ? rounded : Words{} + kNaN;
}

// Half a vector: as many 16-bit floats as a vector has lanes of fp32.
typedef uint16_t Halves __attribute__((vector_size(kVectorBytes / 2)));

inline Floats widenBf16(Halves halves) {
  return (Floats)(__builtin_convertvector(halves, Words) << 16);
}

inline Halves narrowToBf16(Floats value) {
  return __builtin_convertvector(roundToBf16(value) >> 16, Halves);
}

#if KAITIAN_F16C && KAITIAN_VECTOR_BYTES == 64

// Masked, with a full mask: the plain forms make g++ warn of its own header.
inline Floats widenF16(Halves halves) {
  return (Floats)_mm512_maskz_cvtph_ps(0xffff, (__m256i)halves);
}

inline Halves narrowToF16(Floats value) {
  const auto single = (__m512)oneNaN(value);
  return (Halves)_mm512_maskz_cvtps_ph(0xffff, single, _MM_FROUND_TO_NEAREST_INT);
}

#elif KAITIAN_F16C

inline Floats widenF16(Halves halves) { return (Floats)_mm256_cvtph_ps((__m128i)halves); }

inline Halves narrowToF16(Floats value) {
  return (Halves)_mm256_cvtps_ph((__m256)oneNaN(value), _MM_FROUND_TO_NEAREST_INT);
}

#else

// An exponent's bias in fp32 less that in F16, in place.
constexpr uint32_t kRebias = (127 - 15) << 23;
// Floats from here to 1 are the multiples of 2^−24, as F16's denormals are.
constexpr uint32_t kHalfBits = 0x3f000000;

// The F16 is the lower half of each lane; the upper half is zero. Subtracting
// makes a denormal exact without a denormal fp32, which is slow to handle.
inline Floats widenF16(Words half) {
  constexpr int32_t kSmallestNormal = 0x0400;
  constexpr int32_t kLargestFinite = 0x7bff;
  const Words magnitude = half & 0x7fff;
  const Words special = (Words)((Signed)magnitude > kLargestFinite) & kRebias;
  const Words normal = (magnitude << 13) + kRebias + special;
  const Words denormal = (Words)((Floats)(magnitude | kHalfBits) - 0.5f);
  const Words widened = (Signed)magnitude < kSmallestNormal ? denormal : normal;
  return (Floats)(widened | ((half & 0x8000) << 16));
}

// Into the lower half of each lane; the upper half is zero.
inline Words narrowToF16(Floats value) {
  constexpr uint32_t kInfinity = 0x7c00;
  constexpr uint32_t kNaN = 0x7e00;
  constexpr int32_t kSmallestNormal = 0x38800000;  // 2^−14
  constexpr int32_t kTooLarge = 0x47800000;        // 2^16
  const Words magnitude = (Words)value & kMagnitude;
  const Words rounded = magnitude + 0xfff + ((magnitude >> 13) & 1);
  const Words normal = (rounded - kRebias) >> 13;
  // The addition rounds to a multiple of 2^−24.
  const Words denormal = (Words)((Floats)magnitude + 0.5f) - kHalfBits;
  const Words finite = (Signed)magnitude < kSmallestNormal ? denormal : normal;
  const Words bounded = (Signed)magnitude < kTooLarge ? finite : Words{} + kInfinity;
  const Words narrowed = bounded | (((Words)value >> 16) & 0x8000);
  return value == value ? narrowed : Words{} + kNaN;
}

#endif

}  // namespace
}  // namespace kaitian
