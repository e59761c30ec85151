#include "schedule.h"

namespace kaitian {
namespace {

// The root's own data stays where it is: nothing is written there.
void fill(const Call& call, size_t piece, uint64_t index, Step& step) {
  const Slice slice = wholeSlice(call, piece, index);
  step.reset(Step::Kind::Combine, slice.length);
  const size_t root = call.signature.root;
  step.read(call, root, slice.from);
  for (size_t rank = 0; rank < call.ranks.size(); ++rank) {
    if (rank != root) step.write(call, rank, slice.from);
  }
}

}  // namespace

const Schedule kBroadcast{wholeSteps, fill};

}  // namespace kaitian
