#include "schedule.h"

namespace kaitian {
namespace {

void fill(const Call& call, size_t piece, uint64_t index, Step& step) {
  const Slice slice = rankedSlice(call, piece, index);
  step.reset(Step::Kind::Combine, slice.length);
  step.read(call, call.signature.root, slice.rank * call.signature.count + slice.from);
  step.write(call, slice.rank, slice.from);
}

}  // namespace

const Schedule kScatter{rankedSteps, fill};

}  // namespace kaitian
