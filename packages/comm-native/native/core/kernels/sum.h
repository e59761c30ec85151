#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace kaitian {

// outputs[k][i] = parts[0][i] + parts[1][i] + … in that order, for each k.
//
// Fused: one pass reads all parts and writes all outputs. An output may be one
// of the parts (never a shifted overlap). `parts` is not empty. fp32 rounds
// after each addition; 64-bit integers wrap.
void sum(std::span<float* const> outputs, std::span<const float* const> parts, size_t count);
void sum(std::span<int64_t* const> outputs, std::span<const int64_t* const> parts, size_t count);

}  // namespace kaitian
