#include "digest.h"

#include <cstring>

#include "../vectorise.h"

namespace kaitian {
namespace {

constexpr uint32_t kA0 = 0x9e3779b1, kB0 = 0x85ebca6b;
constexpr uint32_t kA1 = 0xc2b2ae35, kB1 = 0x27d4eb2f;
constexpr uint32_t kExponent = 0x7f800000;

// The bits of a float, without a second view of its memory.
inline uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

}  // namespace

void Digest::add(const Digest& other) {
  sums[0] += other.sums[0];
  sums[1] += other.sums[1];
  notFinite += other.notFinite;
}

KAITIAN_VECTORISED
Digest digestOf(const float* state, const float* velocity, size_t size, uint64_t first) {
  uint64_t one = 0;
  uint64_t other = 0;
  uint64_t notFinite = 0;
  const auto start = static_cast<uint32_t>(first + 1);
  if (velocity == nullptr) {
    for (size_t i = 0; i < size; ++i) {
      const uint32_t n = start + static_cast<uint32_t>(i);
      const uint32_t s = bitsOf(state[i]);
      one += uint64_t{s + n * kA0} * uint64_t{n * kB0};
      other += uint64_t{s + n * kA1} * uint64_t{n * kB1};
      notFinite += (s & kExponent) == kExponent;
    }
  } else {
    for (size_t i = 0; i < size; ++i) {
      const uint32_t n = start + static_cast<uint32_t>(i);
      const uint32_t s = bitsOf(state[i]);
      const uint32_t v = bitsOf(velocity[i]);
      one += uint64_t{s + n * kA0} * uint64_t{v + n * kB0};
      other += uint64_t{s + n * kA1} * uint64_t{v + n * kB1};
      notFinite += (s & kExponent) == kExponent;
    }
  }
  return {{one, other}, notFinite};
}

}  // namespace kaitian
