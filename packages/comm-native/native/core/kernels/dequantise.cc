#include "dequantise.h"

#include <bit>
#include <cmath>

#include "../vectorise.h"

namespace kaitian {
namespace {

constexpr uint64_t kTwo53 = uint64_t{1} << 53;
constexpr uint64_t kLow = 0x7ff;
constexpr uint64_t kSticky = 0x800;
constexpr uint64_t kSignOfHigh = 0x80000000;
constexpr uint64_t kTwo52Bits = std::bit_cast<uint64_t>(0x1p52);

// Rounds to odd where a double could not hold the integer (Boldo & Melquiond,
// 10.1109/TC.2007.70819): the double is then exact, and the rounding to fp32
// stays the only one. Two's complement floors, and setting the last kept bit
// picks the odd neighbour for either sign.
inline uint64_t fitDouble(uint64_t bits) {
  const bool large = bits + kTwo53 > 2 * kTwo53;
  const uint64_t odd = (bits & ~kLow) | ((bits & kLow) != 0 ? kSticky : 0);
  return large ? odd : bits;
}

// Exact where fitDouble has been. AVX2 has no conversion from 64-bit integers:
// each half becomes the low bits of a double in [2^52, 2^53) instead.
inline double toDouble(uint64_t bits) {
  const uint64_t high = (bits >> 32) ^ kSignOfHigh;
  const uint64_t low = bits & 0xffffffff;
  const double upper = std::bit_cast<double>(kTwo52Bits | high) - (0x1p52 + 0x1p31);
  const double lower = std::bit_cast<double>(kTwo52Bits | low) - 0x1p52;
  return upper * 0x1p32 + lower;
}

KAITIAN_VECTORISED
void convert(float* into, const int64_t* sums, size_t count, double scale) {
  for (size_t i = 0; i < count; ++i) {
    into[i] = static_cast<float>(toDouble(fitDouble(static_cast<uint64_t>(sums[i]))) * scale);
  }
}

}  // namespace

void dequantise(float* into, const int64_t* sums, size_t count, int exponent) {
  convert(into, sums, count, std::ldexp(1.0, -exponent));
}

}  // namespace kaitian
