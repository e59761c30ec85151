#include "combine.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "combine_level.h"

namespace kaitian {
namespace {

// What is copied to several outputs is read from the cache after the first.
constexpr size_t kCopyBytes = 64 * 1024;

void copy(std::span<std::byte* const> outputs, const std::byte* part, size_t bytes) {
  const size_t block = outputs.size() == 1 ? bytes : kCopyBytes;
  for (size_t from = 0; from < bytes; from += block) {
    const size_t length = std::min(block, bytes - from);
    for (std::byte* output : outputs) {
      if (output != part) std::memcpy(output + from, part + from, length);
    }
  }
}

CombineKernel kernelOf(Level level, const Reduction& reduction) {
#if KAITIAN_HAS_X86_LEVELS
  if (level == Level::Avx512) return avx512Kernel(reduction);
  if (level == Level::Avx2) return avx2Kernel(reduction);
#endif
  assert(level == Level::Portable);
  return portableKernel(reduction);
}

Level bestLevel() {
  if (isAvailable(Level::Avx512)) return Level::Avx512;
  return isAvailable(Level::Avx2) ? Level::Avx2 : Level::Portable;
}

Level chosenLevel() {
  static const Level level = bestLevel();
  return level;
}

}  // namespace

bool isAvailable(Level level) {
#if KAITIAN_HAS_X86_LEVELS
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (level == Level::Avx512) return avx2 && avx512;
  if (level == Level::Avx2) return avx2;
#endif
  return level == Level::Portable;
}

void combineWith(Level level, const Reduction& reduction, std::span<std::byte* const> outputs,
                 std::span<const std::byte* const> parts, size_t count) {
  const bool divides = reduction.op == Op::Avg && reduction.divisor > 1;
  if (parts.size() == 1 && reduction.output == reduction.dtype && !divides) {
    return copy(outputs, parts[0], count * widthOf(reduction.dtype));
  }
  const CombineKernel kernel = kernelOf(level, reduction);
  assert(kernel != nullptr);
  kernel({outputs.data(), outputs.size(), parts.data(), parts.size(), count, reduction.divisor});
}

void combine(const Reduction& reduction, std::span<std::byte* const> outputs,
             std::span<const std::byte* const> parts, size_t count) {
  combineWith(chosenLevel(), reduction, outputs, parts, count);
}

const char* instructionSet() {
  switch (chosenLevel()) {
    case Level::Avx512:
      return "AVX-512";
    case Level::Avx2:
      return "AVX2";
    case Level::Portable:
      break;
  }
#if defined(__x86_64__)
  return "SSE2";
#elif defined(__aarch64__)
  return "NEON";
#else
  return "the compiler's default instructions";
#endif
}

}  // namespace kaitian
