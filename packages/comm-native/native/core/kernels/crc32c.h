#pragma once

#include <cstddef>
#include <cstdint>

namespace kaitian {

// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `bytes` bytes, continuing from
// the CRC of what came before (0 for nothing).
uint32_t crc32c(uint32_t before, const void* data, size_t bytes);

}  // namespace kaitian
