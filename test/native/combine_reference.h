#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "core/kernels/combine_level.h"

// combine one element at a time, from what its contract says: floats are
// rounded by arithmetic on doubles, not by their bits.

using namespace kaitian;

using Bytes = std::vector<std::byte>;

struct FloatShape {
  int fraction;
  int smallestExponent;
  uint64_t nan;
};

inline FloatShape shapeOf(DType dtype) {
  if (dtype == DType::F64) return {52, -1022, 0x7ff8000000000000};
  if (dtype == DType::F32) return {23, -126, 0x7fc00000};
  return dtype == DType::F16 ? FloatShape{10, -14, 0x7e00} : FloatShape{7, -126, 0x7fc0};
}

inline uint64_t bitsAt(const std::byte* at, size_t width) {
  uint64_t bits = 0;
  std::memcpy(&bits, at, width);
  return bits;
}

inline double decode(DType dtype, uint64_t bits) {
  const FloatShape shape = shapeOf(dtype);
  const int width = static_cast<int>(widthOf(dtype)) * 8;
  const uint64_t fraction = bits & ((uint64_t{1} << shape.fraction) - 1);
  const int largest = (1 << (width - 1 - shape.fraction)) - 1;
  const int field = static_cast<int>(bits >> shape.fraction) & largest;
  double value = std::numeric_limits<double>::infinity();
  if (field == largest && fraction != 0) return std::numeric_limits<double>::quiet_NaN();
  if (field != largest) {
    const uint64_t whole = fraction | (field == 0 ? 0 : uint64_t{1} << shape.fraction);
    const int exponent = shape.smallestExponent + (field == 0 ? 0 : field - 1);
    value = std::ldexp(static_cast<double>(whole), exponent - shape.fraction);
  }
  return (bits >> (width - 1) & 1) != 0 ? -value : value;
}

// To nearest, ties to even, once.
inline uint64_t encode(DType dtype, double value) {
  const FloatShape shape = shapeOf(dtype);
  if (std::isnan(value)) return shape.nan;
  const int width = static_cast<int>(widthOf(dtype)) * 8;
  const uint64_t sign = std::signbit(value) ? uint64_t{1} << (width - 1) : 0;
  const uint64_t infinity = ((uint64_t{1} << (width - 1 - shape.fraction)) - 1) << shape.fraction;
  if (value == 0) return sign;
  if (std::isinf(value)) return sign | infinity;
  const int exponent = std::max(std::ilogb(value), shape.smallestExponent);
  // In units of the last place; rounding up to a power of two carries as it should.
  const double units = std::nearbyint(std::ldexp(std::fabs(value), shape.fraction - exponent));
  const auto above = static_cast<uint64_t>(exponent - shape.smallestExponent);
  const uint64_t bits = (above << shape.fraction) + static_cast<uint64_t>(units);
  return sign | std::min(bits, infinity);
}

template <typename T>
T referenceExtremum(bool least, T left, T right) {
  if (left != left || right != right) return std::numeric_limits<T>::quiet_NaN();
  if (left == right) return std::signbit(left) == least ? left : right;
  return (left < right) == least ? left : right;
}

template <typename T>
T referenceStep(Op op, T left, T right) {
  // Through volatile, so that nothing is fused.
  volatile T result = left;
  if (op == Op::Sum || op == Op::Avg) result = left + right;
  if (op == Op::Prod) result = left * right;
  if (op == Op::Min || op == Op::Max) result = referenceExtremum<T>(op == Op::Min, left, right);
  return result;
}

template <typename T>
uint64_t referenceFloat(const Reduction& reduction, const std::vector<uint64_t>& parts) {
  T value = static_cast<T>(decode(reduction.dtype, parts[0]));
  for (size_t part = 1; part < parts.size(); ++part) {
    const T next = static_cast<T>(decode(reduction.dtype, parts[part]));
    value = referenceStep<T>(reduction.op, value, next);
  }
  if (reduction.op == Op::Avg && reduction.divisor != 0) value /= static_cast<T>(reduction.divisor);
  return encode(reduction.output, value);
}

template <typename T>
uint64_t referenceInteger(Op op, const std::vector<uint64_t>& parts) {
  uint64_t value = parts[0];
  for (size_t part = 1; part < parts.size(); ++part) {
    const bool less = static_cast<T>(parts[part]) < static_cast<T>(value);
    if (op == Op::Sum) value += parts[part];
    if (op == Op::Prod) value *= parts[part];
    if ((op == Op::Min && less) || (op == Op::Max && !less)) value = parts[part];
  }
  return value;
}

inline uint64_t referenceOf(const Reduction& reduction, const std::vector<uint64_t>& parts) {
  const bool divides = reduction.op == Op::Avg && reduction.divisor > 1;
  if (parts.size() == 1 && reduction.output == reduction.dtype && !divides) return parts[0];
  if (reduction.dtype == DType::F64) return referenceFloat<double>(reduction, parts);
  if (isFloat(reduction.dtype)) return referenceFloat<float>(reduction, parts);
  if (reduction.dtype == DType::I64) return referenceInteger<int64_t>(reduction.op, parts);
  if (reduction.dtype == DType::I32) return referenceInteger<int32_t>(reduction.op, parts);
  if (reduction.dtype == DType::I8) return referenceInteger<int8_t>(reduction.op, parts);
  return referenceInteger<uint8_t>(reduction.op, parts);
}

inline Bytes reference(const Reduction& reduction, const std::vector<Bytes>& parts) {
  const size_t width = widthOf(reduction.dtype);
  const size_t written = widthOf(reduction.output);
  const size_t count = parts[0].size() / width;
  Bytes result(count * written);
  std::vector<uint64_t> elements(parts.size());
  for (size_t i = 0; i < count; ++i) {
    for (size_t part = 0; part < parts.size(); ++part) {
      elements[part] = bitsAt(parts[part].data() + i * width, width);
    }
    const uint64_t bits = referenceOf(reduction, elements);
    std::memcpy(result.data() + i * written, &bits, written);
  }
  return result;
}

// Ordinary numbers, special ones, and any bits.
inline uint64_t someElement(DType dtype, std::mt19937_64& random) {
  const uint64_t choice = random() % 8;
  if (!isFloat(dtype)) {
    const uint64_t top = uint64_t{1} << (widthOf(dtype) * 8 - 1);
    const uint64_t special[] = {0, 1, top, top - 1, ~uint64_t{0}};
    return choice == 0 ? special[random() % std::size(special)] : random();
  }
  if (choice == 0) return random();
  const FloatShape shape = shapeOf(dtype);
  const uint64_t sign = (random() % 2) << (widthOf(dtype) * 8 - 1);
  const uint64_t infinity = encode(dtype, std::numeric_limits<double>::infinity());
  const uint64_t one = encode(dtype, 1);
  const uint64_t fraction = random() % (uint64_t{1} << shape.fraction);
  if (choice == 1) {
    const uint64_t special[] = {0,        0,        infinity,     infinity - 1, infinity + 1,
                                infinity | fraction, shape.nan, fraction,     1,            one};
    return sign | special[random() % std::size(special)];
  }
  return sign | ((one & infinity) - (random() % 4 << shape.fraction)) | fraction;
}

inline Bytes someElements(DType dtype, size_t count, std::mt19937_64& random) {
  const size_t width = widthOf(dtype);
  Bytes bytes(count * width);
  for (size_t i = 0; i < count; ++i) {
    const uint64_t bits = someElement(dtype, random);
    std::memcpy(bytes.data() + i * width, &bits, width);
  }
  return bytes;
}

inline std::vector<Level> availableLevels() {
  std::vector<Level> levels;
  for (const Level level : {Level::Portable, Level::Avx2, Level::Avx512}) {
    if (isAvailable(level)) levels.push_back(level);
  }
  return levels;
}
