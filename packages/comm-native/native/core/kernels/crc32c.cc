#include "crc32c.h"

#include <bit>
#include <cstring>

#include "crc32c_fold.h"
#include "crc32c_level.h"
#include "crc32c_tables.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#define KAITIAN_CRC_INSTRUCTION __attribute__((target("sse4.2")))
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#define KAITIAN_CRC_INSTRUCTION
#elif defined(__aarch64__) && defined(__linux__) && !defined(__clang__)
// Not every ARMv8.0 has it.
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#define KAITIAN_CRC_INSTRUCTION __attribute__((target("+crc")))
#endif

namespace kaitian {
namespace {

uint64_t loadWord(const uint8_t* from) {
  uint64_t word;
  std::memcpy(&word, from, sizeof(word));
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

// Eight bytes at a time by eight independent look-ups.
uint32_t tableCrc(uint32_t state, const uint8_t* data, size_t bytes) {
  static constexpr CrcTables<8> kTables = crcOfBytes();
  for (; bytes >= 8; data += 8, bytes -= 8) {
    const uint64_t word = loadWord(data) ^ state;
    state = 0;
    for (int k = 0; k < 8; ++k) state ^= kTables[7 - k][(word >> (8 * k)) & 0xff];
  }
  for (; bytes > 0; ++data, --bytes) state = (state >> 8) ^ kTables[0][(state ^ *data) & 0xff];
  return state;
}

#if defined(KAITIAN_CRC_INSTRUCTION)

// The instruction takes three cycles but starts every cycle: three stretches at
// once keep it busy. Long ones cost least to put together, short ones serve
// what is left.
constexpr size_t kLong = 2048;
constexpr size_t kShort = 256;

#if defined(__x86_64__)
KAITIAN_CRC_INSTRUCTION inline uint32_t addWord(uint32_t state, uint64_t word) {
  return static_cast<uint32_t>(_mm_crc32_u64(state, word));
}
KAITIAN_CRC_INSTRUCTION inline uint32_t addByte(uint32_t state, uint8_t byte) {
  return _mm_crc32_u8(state, byte);
}
#else
KAITIAN_CRC_INSTRUCTION inline uint32_t addWord(uint32_t state, uint64_t word) {
  return __crc32cd(state, word);
}
KAITIAN_CRC_INSTRUCTION inline uint32_t addByte(uint32_t state, uint8_t byte) {
  return __crc32cb(state, byte);
}
#endif

template <size_t kStretch>
uint32_t afterStretch(uint32_t state) {
  static constexpr CrcTables<4> kTables = crcAfterZeros(kStretch);
  return kTables[0][state & 0xff] ^ kTables[1][(state >> 8) & 0xff] ^
         kTables[2][(state >> 16) & 0xff] ^ kTables[3][state >> 24];
}

template <size_t kStretch>
KAITIAN_CRC_INSTRUCTION uint32_t threeStretches(uint32_t state, const uint8_t* data) {
  uint32_t second = 0;
  uint32_t third = 0;
  for (size_t at = 0; at < kStretch; at += 8) {
    state = addWord(state, loadWord(data + at));
    second = addWord(second, loadWord(data + kStretch + at));
    third = addWord(third, loadWord(data + 2 * kStretch + at));
  }
  return afterStretch<kStretch>(afterStretch<kStretch>(state) ^ second) ^ third;
}

KAITIAN_CRC_INSTRUCTION
uint32_t instructionCrc(uint32_t state, const uint8_t* data, size_t bytes) {
  for (; bytes >= 3 * kLong; data += 3 * kLong, bytes -= 3 * kLong) {
    state = threeStretches<kLong>(state, data);
  }
  for (; bytes >= 3 * kShort; data += 3 * kShort, bytes -= 3 * kShort) {
    state = threeStretches<kShort>(state, data);
  }
  for (; bytes >= 8; data += 8, bytes -= 8) state = addWord(state, loadWord(data));
  for (; bytes > 0; ++data, --bytes) state = addByte(state, *data);
  return state;
}

// Whole blocks folded, the rest by the instruction.
uint32_t foldedCrc(uint32_t state, const uint8_t* data, size_t bytes) {
  const size_t folded = bytes - bytes % kFoldedBytes;
  if (folded > 0) state = foldCrc(state, data, folded);
  return instructionCrc(state, data + folded, bytes - folded);
}

#endif

CrcLevel bestLevel() {
  for (const CrcLevel level : {CrcLevel::Fold, CrcLevel::Instruction}) {
    if (isAvailable(level)) return level;
  }
  return CrcLevel::Table;
}

}  // namespace

bool isAvailable(CrcLevel level) {
  if (level == CrcLevel::Fold) return canFoldCrc();
#if defined(__x86_64__)
  return level == CrcLevel::Table || __builtin_cpu_supports("sse4.2");
#elif defined(__ARM_FEATURE_CRC32)
  return level == CrcLevel::Table || level == CrcLevel::Instruction;
#elif defined(KAITIAN_CRC_INSTRUCTION)
  return level == CrcLevel::Table || (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
#else
  return level == CrcLevel::Table;
#endif
}

uint32_t crc32cWith(CrcLevel level, uint32_t before, const void* data, size_t bytes) {
  const auto* from = static_cast<const uint8_t*>(data);
#if defined(KAITIAN_CRC_INSTRUCTION)
  if (level == CrcLevel::Fold) return ~foldedCrc(~before, from, bytes);
  if (level == CrcLevel::Instruction) return ~instructionCrc(~before, from, bytes);
#endif
  static_cast<void>(level);
  return ~tableCrc(~before, from, bytes);
}

uint32_t crc32c(uint32_t before, const void* data, size_t bytes) {
  static const CrcLevel level = bestLevel();
  return crc32cWith(level, before, data, bytes);
}

}  // namespace kaitian
