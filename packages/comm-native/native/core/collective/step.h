#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "call.h"

namespace kaitian {

// The smallest piece of a collective, independent of all others: it reads its
// sources and then writes its sinks. Addresses are null for ranks of other
// groups, and the ranks tell which groups have to talk about it.
struct Step {
  enum class Kind {
    Combine,  // every sink becomes all sources, combined in rank order
    Permute,  // sinks[i] becomes sources[i]; all are read before any is written
  };
  struct Source {
    size_t rank;
    const std::byte* data;
  };
  struct Sink {
    size_t rank;
    std::byte* data;
  };

  Kind kind = Kind::Combine;
  size_t count = 0;  // elements
  std::vector<Source> sources;
  std::vector<Sink> sinks;

  void reset(Kind as, size_t elements) {
    kind = as;
    count = elements;
    sources.clear();
    sinks.clear();
  }

  void read(const Call& call, size_t rank, size_t element) {
    const std::byte* const base = call.ranks[rank].send;
    sources.push_back({rank, base == nullptr ? nullptr : base + element * call.width()});
  }
  void write(const Call& call, size_t rank, size_t element) {
    std::byte* const base = call.ranks[rank].recv;
    sinks.push_back({rank, base == nullptr ? nullptr : base + element * call.width()});
  }
};

}  // namespace kaitian
