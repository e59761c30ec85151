#include "schedule.h"

namespace kaitian {
namespace {

// Rank r receives the combination of everybody's r-th piece. In place, `recv`
// is that piece of its own `send`: only this rank's steps read it.
void fill(const Call& call, size_t piece, uint64_t index, Step& step) {
  const Slice slice = rankedSlice(call, piece, index);
  step.reset(Step::Kind::Combine, slice.length);
  const uint64_t of = slice.rank * call.signature.count + slice.from;
  for (size_t rank = 0; rank < call.ranks.size(); ++rank) step.read(call, rank, of);
  step.write(call, slice.rank, slice.from);
}

}  // namespace

const Schedule kReduceScatter{rankedSteps, fill};

}  // namespace kaitian
