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
  return pairs(call.ranks.size()) * Pieces(call.signature.count, piece).size();
}

// Both directions of a pair are one step: in place, what one receives lies
// where it had what it sends to the other.
void fill(const Call& call, size_t piece, uint64_t index, Step& step) {
  const uint64_t count = call.signature.count;
  const Pieces pieces(count, piece);
  const Pair pair = pairOf(index / pieces.size(), call.ranks.size());
  const uint64_t part = index % pieces.size();
  const uint64_t from = pieces.from(part);
  step.reset(Step::Kind::Permute, pieces.length(part));
  step.read(call, pair.low, pair.high * count + from);
  step.write(call, pair.high, pair.low * count + from);
  if (pair.low == pair.high) return;
  step.read(call, pair.high, pair.low * count + from);
  step.write(call, pair.low, pair.high * count + from);
}

}  // namespace

const Schedule kAllToAll{steps, fill};

}  // namespace kaitian
