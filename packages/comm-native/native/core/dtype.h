#pragma once

#include <cstddef>
#include <cstdint>

namespace kaitian {

// The order is that of DTYPES in src/dtype.ts, and goes over the wire.
enum class DType : uint8_t { F64, F32, F16, BF16, I64, I32, I8, U8 };
constexpr size_t kDTypes = 8;

constexpr size_t widthOf(DType dtype) {
  switch (dtype) {
    case DType::F64:
    case DType::I64:
      return 8;
    case DType::F32:
    case DType::I32:
      return 4;
    case DType::F16:
    case DType::BF16:
      return 2;
    case DType::I8:
    case DType::U8:
      return 1;
  }
  return 0;
}

constexpr bool isFloat(DType dtype) { return dtype <= DType::BF16; }

}  // namespace kaitian
