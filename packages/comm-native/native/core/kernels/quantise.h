#pragma once

#include <cstddef>
#include <cstdint>

namespace kaitian {

// Adds round-to-nearest-even(values[i] × 2^exponent) to sums[i] and returns the
// largest |values[i]|; NaN when a value is not finite or a scaled one exceeds
// 2^52 (then `sums` is unspecified). |exponent| ≤ 1022.
double quantise(int64_t* sums, const float* values, size_t count, int exponent);

}  // namespace kaitian
