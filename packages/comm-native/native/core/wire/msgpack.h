#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kaitian::wire {

// The part of MessagePack that headers are made of: unsigned integers, doubles,
// strings and arrays, each in its shortest form. One value thus has one
// encoding, and there is nothing in it that a reader would have to skip: no
// maps, no extensions, no nil.

// Appends values to a header; arrays are their length, followed by their members.
class Packer {
 public:
  explicit Packer(std::vector<std::byte>& out) : out_(out) {}

  void array(size_t length);
  void integer(uint64_t value);
  void real(double value);
  // At most 65,535 bytes.
  void text(std::string_view value);

 private:
  void byte(unsigned value) { out_.push_back(static_cast<std::byte>(value)); }
  void bigEndian(uint64_t value, size_t bytes);

  std::vector<std::byte>& out_;
};

// Takes values off a header, in the order in which they must come. Every call
// throws WireError where something else comes, or more than is allowed; what it
// allocates is bounded by the caller's limit and by the bytes that are there.
class Unpacker {
 public:
  explicit Unpacker(std::span<const std::byte> in) : in_(in) {}

  // Its length, of at most `longest` members.
  size_t array(size_t longest);
  void arrayOf(size_t length);
  uint64_t integer(uint64_t largest = UINT64_MAX);
  // Finite and not negative.
  double real();
  std::string text(size_t longest);
  void end() const;

  // Values of an enumeration whose last one is given.
  template <typename Enum>
  Enum oneOf(Enum last) {
    return static_cast<Enum>(integer(static_cast<uint64_t>(last)));
  }

 private:
  unsigned byte();
  uint64_t bigEndian(size_t bytes, uint64_t least);

  std::span<const std::byte> in_;
};

}  // namespace kaitian::wire
