#include "schedule.h"

namespace kaitian {
namespace {

uint64_t steps(const Call& call, size_t piece) {
  return call.ranks.size() * Pieces(call.signature.count, piece).size();
}

// Steps of rank 0's data first, then rank 1's … Rank r's lies at r × count of
// everybody's result, its own included: in place, `send` is that very memory.
void fill(const Call& call, size_t piece, uint64_t index, Step& step) {
  const Pieces pieces(call.signature.count, piece);
  const size_t owner = index / pieces.size();
  const uint64_t part = index % pieces.size();
  const uint64_t from = pieces.from(part);
  step.reset(Step::Kind::Combine, pieces.length(part));
  step.read(call, owner, from);
  for (size_t rank = 0; rank < call.ranks.size(); ++rank) {
    step.write(call, rank, owner * call.signature.count + from);
  }
}

}  // namespace

const Schedule kAllgather{steps, fill};

}  // namespace kaitian
