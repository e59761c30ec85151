#include "sum.h"

#include <algorithm>
#include <cstring>

#include "../vectorise.h"

namespace kaitian {
namespace {

// A block's sum stays in the first-level cache until it has been written to
// all outputs; it must not go to an output before all parts have been read.
constexpr size_t kBlockBytes = 8192;

KAITIAN_VECTORISED
void add(float* into, const float* left, const float* right, size_t count) {
  KAITIAN_INDEPENDENT
  for (size_t i = 0; i < count; ++i) into[i] = left[i] + right[i];
}

// Unsigned inside: signed overflow would be undefined, this wraps.
KAITIAN_VECTORISED
void add(int64_t* into, const int64_t* left, const int64_t* right, size_t count) {
  KAITIAN_INDEPENDENT
  for (size_t i = 0; i < count; ++i) {
    into[i] = static_cast<int64_t>(static_cast<uint64_t>(left[i]) + static_cast<uint64_t>(right[i]));
  }
}

template <typename T>
void sumBlocks(std::span<T* const> outputs, std::span<const T* const> parts, size_t count) {
  alignas(64) T block[kBlockBytes / sizeof(T)];
  for (size_t from = 0; from < count; from += std::size(block)) {
    const size_t length = std::min(std::size(block), count - from);
    const T* total = parts[0] + from;
    for (const T* part : parts.subspan(1)) {
      add(block, total, part + from, length);
      total = block;
    }
    for (T* output : outputs) {
      if (output + from != total) std::memcpy(output + from, total, length * sizeof(T));
    }
  }
}

}  // namespace

void sum(std::span<float* const> outputs, std::span<const float* const> parts, size_t count) {
  sumBlocks(outputs, parts, count);
}

void sum(std::span<int64_t* const> outputs, std::span<const int64_t* const> parts, size_t count) {
  sumBlocks(outputs, parts, count);
}

}  // namespace kaitian
