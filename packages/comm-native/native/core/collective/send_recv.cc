#include "schedule.h"

namespace kaitian {
namespace {

// A lane of two: seat 0 sends, seat 1 receives.
void fill(const Call& call, size_t piece, uint64_t index, Step& step) {
  const Slice slice = wholeSlice(call, piece, index);
  step.reset(Step::Kind::Combine, slice.length);
  step.read(call, 0, slice.from);
  step.write(call, 1, slice.from);
}

}  // namespace

const Schedule kSendRecv{wholeSteps, fill};

}  // namespace kaitian
