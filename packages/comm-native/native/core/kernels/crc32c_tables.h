#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

// Tables for CRC-32C, built by the compiler. States are the CRC's complement,
// bit-reversed as RFC 3720 has it: the lowest bit belongs to x^31.

namespace kaitian {

constexpr uint32_t kCrcPolynomial = 0x82f63b78;

using CrcTable = std::array<uint32_t, 256>;

template <size_t kTables>
using CrcTables = std::array<CrcTable, kTables>;

// A state times x.
constexpr uint32_t crcAfterBit(uint32_t state) {
  return (state >> 1) ^ ((state & 1) != 0 ? kCrcPolynomial : 0);
}

constexpr CrcTable crcOfByte() {
  CrcTable table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t state = byte;
    for (int bit = 0; bit < 8; ++bit) state = crcAfterBit(state);
    table[byte] = state;
  }
  return table;
}

inline constexpr CrcTable kCrcOfByte = crcOfByte();

// tables[k][b]: what byte b contributes when k more bytes follow.
constexpr CrcTables<8> crcOfBytes() {
  CrcTables<8> tables{kCrcOfByte};
  for (size_t k = 1; k < 8; ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t state = tables[k - 1][byte];
      tables[k][byte] = (state >> 8) ^ kCrcOfByte[state & 0xff];
    }
  }
  return tables;
}

// tables[k][b]: what byte k of a state, if b, becomes after `bytes` zero bytes.
// Linear, so it is worked out for each bit and summed for the rest.
constexpr CrcTables<4> crcAfterZeros(size_t bytes) {
  CrcTables<4> tables{};
  for (size_t k = 0; k < 4; ++k) {
    for (uint32_t bit = 1; bit < 256; bit *= 2) {
      uint32_t state = bit << (8 * k);
      for (size_t zero = 0; zero < bytes; ++zero) {
        state = (state >> 8) ^ kCrcOfByte[state & 0xff];
      }
      for (uint32_t below = 0; below < bit; ++below) {
        tables[k][bit + below] = tables[k][below] ^ state;
      }
    }
  }
  return tables;
}

}  // namespace kaitian
