#pragma once

#include <cstddef>
#include <cstdint>

namespace kaitian {

// Table runs everywhere, Instruction where the processor computes CRC-32C, Fold
// where it also multiplies polynomials, four pairs at once.
enum class CrcLevel : uint8_t { Table, Instruction, Fold };

bool isAvailable(CrcLevel level);

// crc32c, at a level that is available.
uint32_t crc32cWith(CrcLevel level, uint32_t before, const void* data, size_t bytes);

}  // namespace kaitian
