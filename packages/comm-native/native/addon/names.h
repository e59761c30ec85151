#pragma once

#include <array>
#include <string_view>

#include "../core/failure.h"

namespace kaitian {

// As src/dtype.ts, src/signature.ts and src/failure.ts name them, in the order
// of the enumerations.
constexpr std::array<const char*, kDTypes> kDTypeNames = {"f64", "f32", "f16", "bf16",
                                                          "i64", "i32", "i8",  "u8"};
constexpr std::array<const char*, kOps> kOpNames = {"sum", "prod", "min", "max", "avg"};
constexpr std::array<const char*, 10> kCollectiveNames = {
    "allreduce", "reduce", "broadcast", "allgather", "reduceScatter",
    "allToAll",  "gather", "scatter",   "barrier",   "sendRecv"};
constexpr std::array<const char*, 4> kPhaseNames = {"arrive", "compare", "reduce", "bridge"};
constexpr std::array<const char*, 4> kLossNames = {"closed", "silent", "malformed", "corrupt"};

template <typename Names, typename Enum>
const char* nameOf(const Names& names, Enum value) {
  return names[static_cast<size_t>(value)];
}

}  // namespace kaitian
