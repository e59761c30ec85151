#include "schedule.h"

namespace kaitian {
namespace {

// Rank r's data lies at r × count of everybody's result, its own included: in
// place, `send` is that very memory.
void fill(const Call& call, size_t piece, uint64_t index, Step& step) {
  const Slice slice = rankedSlice(call, piece, index);
  step.reset(Step::Kind::Combine, slice.length);
  const uint64_t into = slice.rank * call.signature.count + slice.from;
  step.read(call, slice.rank, slice.from);
  for (size_t rank = 0; rank < call.ranks.size(); ++rank) step.write(call, rank, into);
}

}  // namespace

const Schedule kAllgather{rankedSteps, fill};

}  // namespace kaitian
