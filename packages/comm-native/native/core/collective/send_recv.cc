#include "schedule.h"

namespace kaitian {
namespace {

uint64_t steps(const Call& call, size_t piece) {
  return Pieces(call.signature.count, piece).size();
}

// A lane of two: seat 0 sends, seat 1 receives.
void fill(const Call& call, size_t piece, uint64_t index, Step& step) {
  const Pieces pieces(call.signature.count, piece);
  const uint64_t from = pieces.from(index);
  step.reset(Step::Kind::Combine, pieces.length(index));
  step.read(call, 0, from);
  step.write(call, 1, from);
}

}  // namespace

const Schedule kSendRecv{steps, fill};

}  // namespace kaitian
