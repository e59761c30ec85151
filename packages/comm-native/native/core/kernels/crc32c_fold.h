#pragma once

#include <cstddef>
#include <cstdint>

namespace kaitian {

bool canFoldCrc();

// Takes data in blocks of 256 bytes, of which there must be one.
constexpr size_t kFoldedBytes = 256;

// The state (see crc32c_tables.h) after `bytes` bytes, a multiple of kFoldedBytes.
uint32_t foldCrc(uint32_t state, const uint8_t* data, size_t bytes);

}  // namespace kaitian
