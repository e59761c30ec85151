#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "combine.h"

// The loops are compiled once for each level, each in a unit of its own, and
// chosen when the program runs. A table rather than target_clones: it needs no
// ifunc, so sanitizer builds run the very levels that releases run, and tests
// can compare the levels on one machine.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define KAITIAN_HAS_X86_LEVELS 1
#else
#define KAITIAN_HAS_X86_LEVELS 0
#endif

namespace kaitian {

// Portable is what the compiler takes for granted: SSE2 on x86-64, NEON on ARM64.
enum class Level : uint8_t { Portable, Avx2, Avx512 };

bool isAvailable(Level level);

// combine, at a level that is available.
void combineWith(Level level, const Reduction& reduction, std::span<std::byte* const> outputs,
                 std::span<const std::byte* const> parts, size_t count);

// What a level's loops are given. Plain pointers: see lanes.h.
struct CombineTask {
  std::byte* const* outputs;
  size_t outputCount;
  const std::byte* const* parts;
  size_t partCount;
  size_t count;
  uint64_t divisor;
};

using CombineKernel = void (*)(const CombineTask& task);

// A level's loop for a reduction; null when the contract knows no such one.
CombineKernel portableKernel(const Reduction& reduction);
CombineKernel avx2Kernel(const Reduction& reduction);
CombineKernel avx512Kernel(const Reduction& reduction);

}  // namespace kaitian
