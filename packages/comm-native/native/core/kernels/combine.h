#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "../dtype.h"
#include "../op.h"

namespace kaitian {

// How parts become a result.
struct Reduction {
  Op op = Op::Sum;
  // Of the parts.
  DType dtype = DType::F32;
  // Of the outputs: `dtype`, or the other of F32 and BF16 (the wire's precision).
  DType output = DType::F32;
  // Avg divides the sum by this; 0 leaves it undivided, for a partial sum.
  // Other ops ignore it.
  uint64_t divisor = 0;
};

// outputs[k][i] = parts[0][i] op parts[1][i] op … in that order, for each k.
//
// Fused: one pass reads all parts and writes all outputs. An output may be the
// very memory of a part (never a shifted overlap, nor fp32 over its own BF16).
// `parts` is not empty; one part is copied (and converted, and divided).
// Pointers are aligned to the element's width, no more.
//
// F64 and F32 round after each operation, in their own precision. F16 and BF16
// are accumulated in fp32 over all parts, then rounded once, to nearest, ties
// to even. Integers wrap; Avg of integers is the caller's mistake. Min and Max
// are NaN where any part is, and −0 is below +0 (IEEE 754-2019 minimum and
// maximum). Every NaN that is worked out is the same one, positive and quiet
// with no payload; one that is only copied stays as it is. Nothing depends on
// the width of the vector unit, nor on FMA: the same bits on every processor.
void combine(const Reduction& reduction, std::span<std::byte* const> outputs,
             std::span<const std::byte* const> parts, size_t count);

// What the processor is used for, for the log: "AVX-512", "AVX2", "SSE2", "NEON", …
const char* instructionSet();

}  // namespace kaitian
