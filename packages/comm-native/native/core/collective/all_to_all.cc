#include "schedule.h"

namespace kaitian {
namespace {

// Pairs (low, high) with low ≤ high, in rows of `low`.
uint64_t pairs(uint64_t ranks) { return ranks * (ranks + 1) / 2; }

struct Pair {
  size_t low;
  size_t high;
};

Pair pairOf(uint64_t index, uint64_t ranks) {
  size_t low = 0;
  for (uint64_t row = ranks; index >= row; --row) {
    index -= row;
    ++low;
  }
  return {low, low + static_cast<size_t>(index)};
}

uint64_t steps(const Call& call, size_t piece) {
  return pairs(call.ranks.size()) * wholeSteps(call, piece);
}

// Both directions of a pair are one step: in place, what one receives lies
// where it had what it sends to the other.
void fill(const Call& call, size_t piece, uint64_t index, Step& step) {
  const uint64_t each = wholeSteps(call, piece);
  const auto [low, high] = pairOf(index / each, call.ranks.size());
  const Slice slice = wholeSlice(call, piece, index % each);
  const uint64_t count = call.signature.count;
  step.reset(Step::Kind::Permute, slice.length);
  step.read(call, low, high * count + slice.from);
  step.write(call, high, low * count + slice.from);
  if (low == high) return;
  step.read(call, high, low * count + slice.from);
  step.write(call, low, high * count + slice.from);
}

}  // namespace

const Schedule kAllToAll{steps, fill};

}  // namespace kaitian
