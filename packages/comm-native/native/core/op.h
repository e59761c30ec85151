#pragma once

#include <cstddef>
#include <cstdint>

namespace kaitian {

// The order is that of OPS in src/op.ts, and goes over the wire.
enum class Op : uint8_t { Sum, Prod, Min, Max, Avg };
constexpr size_t kOps = 5;

}  // namespace kaitian
