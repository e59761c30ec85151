#include "quantise.h"

#include <bit>
#include <cmath>
#include <limits>

#include "../vectorise.h"

namespace kaitian {
namespace {

constexpr double kTwo52 = 0x1p52;
constexpr uint64_t kTwo52Bits = std::bit_cast<uint64_t>(kTwo52);
constexpr uint32_t kMagnitude = 0x7fffffff;
constexpr uint32_t kInfinity = 0x7f800000;

// Between 2^52 and 2^53 doubles are the integers, so adding 2^52 rounds to
// one, ties to even, and the sum's low bits are that integer. Unlike a
// conversion instruction this vectorises everywhere.
KAITIAN_VECTORISED
uint32_t accumulate(uint64_t* sums, const float* values, size_t count, double scale) {
  uint32_t largest = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t bits = std::bit_cast<uint32_t>(values[i]);
    const uint32_t magnitude = bits & kMagnitude;
    largest = magnitude > largest ? magnitude : largest;
    const double scaled = static_cast<double>(std::bit_cast<float>(magnitude)) * scale;
    const uint64_t integer = std::bit_cast<uint64_t>(scaled + kTwo52) - kTwo52Bits;
    const uint64_t negative = -static_cast<uint64_t>(bits >> 31);
    sums[i] += (integer ^ negative) - negative;
  }
  return largest;
}

}  // namespace

double quantise(int64_t* sums, const float* values, size_t count, int exponent) {
  const double scale = std::ldexp(1.0, exponent);
  const uint32_t bits = accumulate(reinterpret_cast<uint64_t*>(sums), values, count, scale);
  // The order of magnitudes is the order of their bits, and NaN lies above infinity.
  if (bits >= kInfinity) return std::numeric_limits<double>::quiet_NaN();
  const double largest = std::bit_cast<float>(bits);
  return largest * scale > kTwo52 ? std::numeric_limits<double>::quiet_NaN() : largest;
}

}  // namespace kaitian
