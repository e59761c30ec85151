#pragma once

#include "../failure.h"
#include "msgpack.h"

namespace kaitian::wire {

// Bounds that keep any failure within a header. What is longer is cut: a peer
// that learns of the first hundreds of missing ranks has learnt enough.
constexpr size_t kCauseBytes = 2000;
constexpr size_t kMissingRanks = 768;
constexpr size_t kDifferingRanks = 64;

void pack(Packer& out, const Failure& failure);
// Throws WireError.
Failure unpackFailure(Unpacker& in);

}  // namespace kaitian::wire
