#pragma once

#include <atomic>
#include <span>

#include "region.h"
#include "signature.h"

namespace kaitian {

// Sums all ranks' parts of `signature` in rank order and writes the sum to
// every rank, so that all end with identical bits (C2). Returns false, with
// the regions in an unspecified state, once `aborted` is set.
bool allreduce(std::span<const Region> ranks, const Signature& signature,
               const std::atomic<bool>& aborted);

}  // namespace kaitian
