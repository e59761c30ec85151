#include "combine_and_check.h"

#include <algorithm>
#include <vector>

#include "../float_environment.h"
#include "../kernels/crc32c.h"

namespace kaitian {
namespace {

// Of the output: it and two parts fill most of the cache.
constexpr size_t kBlockBytes = 8192;

template <typename Pointer>
void advance(std::vector<Pointer>& pointers, size_t bytes) {
  for (Pointer& pointer : pointers) pointer += bytes;
}

}  // namespace

uint32_t combineAndCheck(const Reduction& reduction, std::span<std::byte* const> outputs,
                         std::span<const std::byte* const> parts, size_t count) {
  const DefaultFloatEnvironment environment;
  const size_t width = widthOf(reduction.output);
  const size_t block = kBlockBytes / width;
  std::vector<std::byte*> into(outputs.begin(), outputs.end());
  std::vector<const std::byte*> from(parts.begin(), parts.end());
  uint32_t checksum = 0;
  for (size_t done = 0; done < count; done += block) {
    const size_t length = std::min(block, count - done);
    combine(reduction, into, from, length);
    checksum = crc32c(checksum, into.back(), length * width);
    advance(into, length * width);
    advance(from, length * widthOf(reduction.dtype));
  }
  return checksum;
}

}  // namespace kaitian
