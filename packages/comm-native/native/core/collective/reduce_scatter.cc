#include "schedule.h"

namespace kaitian {
namespace {

uint64_t steps(const Call& call, size_t piece) {
  return call.ranks.size() * Pieces(call.signature.count, piece).size();
}

// Rank r receives the combination of everybody's r-th piece. In place, `recv`
// is that piece of its own `send`: only this rank's steps read it.
void fill(const Call& call, size_t piece, uint64_t index, Step& step) {
  const Pieces pieces(call.signature.count, piece);
  const size_t owner = index / pieces.size();
  const uint64_t part = index % pieces.size();
  const uint64_t from = pieces.from(part);
  step.reset(Step::Kind::Combine, pieces.length(part));
  for (size_t rank = 0; rank < call.ranks.size(); ++rank) {
    step.read(call, rank, owner * call.signature.count + from);
  }
  step.write(call, owner, from);
}

}  // namespace

const Schedule kReduceScatter{steps, fill};

}  // namespace kaitian
