#pragma once

#include <cstdint>

namespace kaitian {

// Lanes' numbers, the same on all groups; part of the wire format.
constexpr uint32_t kCallLane = 0;
constexpr uint32_t kBucketLane = 1;
// kFirstPassLane + from × ranks + to.
constexpr uint32_t kFirstPassLane = 2;

}  // namespace kaitian
