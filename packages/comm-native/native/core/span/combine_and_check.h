#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "../kernels/combine.h"

namespace kaitian {

// combine(), and the CRC-32C of the last output, which goes over the wire: of
// each block while it is in the first-level cache.
uint32_t combineAndCheck(const Reduction& reduction, std::span<std::byte* const> outputs,
                         std::span<const std::byte* const> parts, size_t count);

}  // namespace kaitian
