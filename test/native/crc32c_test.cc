#include <random>
#include <string>
#include <vector>

#include "check.h"
#include "core/kernels/crc32c.h"
#include "core/kernels/crc32c_level.h"

using namespace kaitian;

namespace {

std::vector<CrcLevel> levels() {
  std::vector<CrcLevel> all{CrcLevel::Table};
  for (const CrcLevel level : {CrcLevel::Instruction, CrcLevel::Fold}) {
    if (isAvailable(level)) all.push_back(level);
  }
  return all;
}

std::vector<uint8_t> someBytes(size_t bytes) {
  std::mt19937_64 random(1);
  std::vector<uint8_t> data(bytes);
  for (uint8_t& byte : data) byte = static_cast<uint8_t>(random());
  return data;
}

// Bit by bit, from the definition.
uint32_t slowCrc(uint32_t before, const uint8_t* data, size_t bytes) {
  uint32_t state = ~before;
  for (size_t i = 0; i < bytes; ++i) {
    state ^= data[i];
    for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ (state % 2 * 0x82f63b78);
  }
  return ~state;
}

}  // namespace

TEST("crc32c of the examples in RFC 3720 B.4") {
  std::vector<uint8_t> rising(32);
  std::vector<uint8_t> falling(32);
  for (uint8_t i = 0; i < 32; ++i) {
    rising[i] = i;
    falling[i] = 31 - i;
  }
  const std::vector<uint8_t> zeros(32, 0);
  const std::vector<uint8_t> ones(32, 0xff);
  std::vector<uint8_t> read(48);
  read[0] = 0x01;
  read[1] = 0xc0;
  read[16] = 0x14;
  read[22] = 0x04;
  read[27] = 0x14;
  read[31] = 0x18;
  read[32] = 0x28;
  read[40] = 0x02;
  for (const CrcLevel level : levels()) {
    CHECK(crc32cWith(level, 0, zeros.data(), 32) == 0x8a9136aa);
    CHECK(crc32cWith(level, 0, ones.data(), 32) == 0x62a8ab43);
    CHECK(crc32cWith(level, 0, rising.data(), 32) == 0x46dd794e);
    CHECK(crc32cWith(level, 0, falling.data(), 32) == 0x113fdb5c);
    CHECK(crc32cWith(level, 0, read.data(), 48) == 0xd9963a56);
    CHECK(crc32cWith(level, 0, "123456789", 9) == 0xe3069283);
    CHECK(crc32cWith(level, 0x12345678, nullptr, 0) == 0x12345678);
  }
}

TEST("crc32c of every length and start, as one bit at a time") {
  const std::vector<uint8_t> data = someBytes(2100);
  for (size_t bytes = 0; bytes <= 2080; bytes += bytes < 40 ? 1 : 37) {
    for (const size_t start : {0, 1, 7, 8}) {
      const uint32_t expected = slowCrc(5, data.data() + start, bytes);
      for (const CrcLevel level : levels()) {
        CHECK(crc32cWith(level, 5, data.data() + start, bytes) == expected);
      }
    }
  }
}

TEST("crc32c of long data, as one bit at a time") {
  const std::vector<uint8_t> data = someBytes(100003);
  const uint32_t expected = slowCrc(0, data.data(), data.size());
  for (const CrcLevel level : levels()) {
    CHECK(crc32cWith(level, 0, data.data(), data.size()) == expected);
  }
  CHECK(crc32c(0, data.data(), data.size()) == expected);
}

TEST("crc32c continues wherever the data is split") {
  const std::vector<uint8_t> data = someBytes(7001);
  const uint32_t whole = slowCrc(0, data.data(), data.size());
  for (const CrcLevel level : levels()) {
    // Instrumented look-ups are slow, and have no stretches to go wrong.
    const size_t step = level == CrcLevel::Table ? 7 : 1;
    for (size_t split = 0; split <= data.size(); split += step) {
      const uint32_t first = crc32cWith(level, 0, data.data(), split);
      CHECK(crc32cWith(level, first, data.data() + split, data.size() - split) == whole);
    }
  }
}
