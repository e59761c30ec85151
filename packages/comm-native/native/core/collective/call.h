#pragma once

#include <cstddef>
#include <span>

#include "../signature.h"

namespace kaitian {

// What one rank brings to a call. Null where a collective does not use it, and
// for ranks of other groups, whose memory is elsewhere.
struct Buffers {
  const std::byte* send = nullptr;
  std::byte* recv = nullptr;
};

// A call that all ranks agree on, with the buffers by rank.
struct Call {
  Signature signature;
  std::span<const Buffers> ranks;

  size_t width() const { return widthOf(signature.dtype); }
};

}  // namespace kaitian
