#include "schedule.h"

namespace kaitian {
namespace {

void fill(const Call& call, size_t piece, uint64_t index, Step& step) {
  const Slice slice = rankedSlice(call, piece, index);
  step.reset(Step::Kind::Combine, slice.length);
  step.read(call, slice.rank, slice.from);
  step.write(call, call.signature.root, slice.rank * call.signature.count + slice.from);
}

}  // namespace

const Schedule kGather{rankedSteps, fill};

}  // namespace kaitian
