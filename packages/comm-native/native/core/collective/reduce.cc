#include "schedule.h"

namespace kaitian {
namespace {

void fill(const Call& call, size_t piece, uint64_t index, Step& step) {
  const Slice slice = wholeSlice(call, piece, index);
  step.reset(Step::Kind::Combine, slice.length);
  for (size_t rank = 0; rank < call.ranks.size(); ++rank) {
    step.read(call, rank, slice.from);
  }
  step.write(call, call.signature.root, slice.from);
}

}  // namespace

const Schedule kReduce{wholeSteps, fill};

}  // namespace kaitian
