#pragma once

#include <cstddef>
#include <cstdint>

namespace kaitian {

// into[i] = fp32(sums[i] × 2^−exponent), rounded once. |exponent| ≤ 1022.
void dequantise(float* into, const int64_t* sums, size_t count, int exponent);

}  // namespace kaitian
