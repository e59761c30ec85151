#include "schedule.h"

namespace kaitian {
namespace {

uint64_t steps(const Call& call, size_t piece) {
  return Pieces(call.signature.count, piece).size();
}

// The root's own data stays where it is: nothing is written there.
void fill(const Call& call, size_t piece, uint64_t index, Step& step) {
  const Pieces pieces(call.signature.count, piece);
  const uint64_t from = pieces.from(index);
  const size_t root = call.signature.root;
  step.reset(Step::Kind::Combine, pieces.length(index));
  step.read(call, root, from);
  for (size_t rank = 0; rank < call.ranks.size(); ++rank) {
    if (rank != root) step.write(call, rank, from);
  }
}

}  // namespace

const Schedule kBroadcast{steps, fill};

}  // namespace kaitian
