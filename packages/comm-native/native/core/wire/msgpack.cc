#include "msgpack.h"

#include <bit>
#include <cmath>

#include "wire_error.h"

namespace kaitian::wire {
namespace {

// First bytes, as MessagePack's specification names them.
constexpr unsigned kFixArray = 0x90;
constexpr unsigned kFixText = 0xa0;
constexpr unsigned kFloat64 = 0xcb;
constexpr unsigned kUint8 = 0xcc;
constexpr unsigned kUint16 = 0xcd;
constexpr unsigned kUint32 = 0xce;
constexpr unsigned kUint64 = 0xcf;
constexpr unsigned kText8 = 0xd9;
constexpr unsigned kText16 = 0xda;
constexpr unsigned kArray16 = 0xdc;

// What the short forms hold, beyond which a longer form is the right one.
constexpr size_t kFixArrayLongest = 15;
constexpr size_t kFixTextLongest = 31;
constexpr uint64_t kFixIntegerLargest = 0x7f;

}  // namespace

void Packer::array(size_t length) {
  if (length <= kFixArrayLongest) return byte(kFixArray | static_cast<unsigned>(length));
  byte(kArray16);
  bigEndian(length, 2);
}

void Packer::integer(uint64_t value) {
  if (value <= kFixIntegerLargest) return byte(static_cast<unsigned>(value));
  if (value <= UINT8_MAX) {
    byte(kUint8);
    bigEndian(value, 1);
  } else if (value <= UINT16_MAX) {
    byte(kUint16);
    bigEndian(value, 2);
  } else if (value <= UINT32_MAX) {
    byte(kUint32);
    bigEndian(value, 4);
  } else {
    byte(kUint64);
    bigEndian(value, 8);
  }
}

void Packer::real(double value) {
  byte(kFloat64);
  bigEndian(std::bit_cast<uint64_t>(value), 8);
}

void Packer::text(std::string_view value) {
  if (value.size() <= kFixTextLongest) {
    byte(kFixText | static_cast<unsigned>(value.size()));
  } else if (value.size() <= UINT8_MAX) {
    byte(kText8);
    bigEndian(value.size(), 1);
  } else {
    byte(kText16);
    bigEndian(value.size(), 2);
  }
  const auto bytes = std::as_bytes(std::span(value));
  out_.insert(out_.end(), bytes.begin(), bytes.end());
}

void Packer::bigEndian(uint64_t value, size_t bytes) {
  for (size_t i = bytes; i-- > 0;) byte(static_cast<unsigned>(value >> 8 * i & 0xff));
}

size_t Unpacker::array(size_t longest) {
  const unsigned first = byte();
  size_t length;
  if ((first & 0xf0) == kFixArray) {
    length = first & 0x0f;
  } else if (first == kArray16) {
    length = bigEndian(2, kFixArrayLongest + 1);
  } else {
    throw malformed("a header with something else in place of an array");
  }
  if (length > longest) throw malformed("a header with an array that is too long");
  return length;
}

void Unpacker::arrayOf(size_t length) {
  if (array(length) != length) throw malformed("a header with too few entries");
}

uint64_t Unpacker::integer(uint64_t largest) {
  const unsigned first = byte();
  uint64_t value;
  if (first <= kFixIntegerLargest) {
    value = first;
  } else if (first == kUint8) {
    value = bigEndian(1, kFixIntegerLargest + 1);
  } else if (first == kUint16) {
    value = bigEndian(2, uint64_t{UINT8_MAX} + 1);
  } else if (first == kUint32) {
    value = bigEndian(4, uint64_t{UINT16_MAX} + 1);
  } else if (first == kUint64) {
    value = bigEndian(8, uint64_t{UINT32_MAX} + 1);
  } else {
    throw malformed("a header with something else in place of an unsigned integer");
  }
  if (value > largest) throw malformed("a header with an integer that is out of range");
  return value;
}

double Unpacker::real() {
  if (byte() != kFloat64) throw malformed("a header with something else in place of a double");
  const double value = std::bit_cast<double>(bigEndian(8, 0));
  if (!std::isfinite(value) || std::signbit(value)) {
    throw malformed("a header with a double that is out of range");
  }
  return value;
}

std::string Unpacker::text(size_t longest) {
  const unsigned first = byte();
  size_t length;
  if ((first & 0xe0) == kFixText) {
    length = first & 0x1f;
  } else if (first == kText8) {
    length = bigEndian(1, kFixTextLongest + 1);
  } else if (first == kText16) {
    length = bigEndian(2, size_t{UINT8_MAX} + 1);
  } else {
    throw malformed("a header with something else in place of a string");
  }
  if (length > longest) throw malformed("a header with a string that is too long");
  if (length > in_.size()) throw malformed("a header that ends early");
  const std::string value(reinterpret_cast<const char*>(in_.data()), length);
  in_ = in_.subspan(length);
  return value;
}

void Unpacker::end() const {
  if (!in_.empty()) throw malformed("a header with bytes behind its end");
}

unsigned Unpacker::byte() {
  if (in_.empty()) throw malformed("a header that ends early");
  const auto value = std::to_integer<unsigned>(in_.front());
  in_ = in_.subspan(1);
  return value;
}

// Smaller values have a shorter form, which is then the only right one.
uint64_t Unpacker::bigEndian(size_t bytes, uint64_t least) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i) value = value << 8 | byte();
  if (value < least) throw malformed("a header with a value that is not in its shortest form");
  return value;
}

}  // namespace kaitian::wire
