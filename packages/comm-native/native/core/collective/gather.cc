#include "schedule.h"

namespace kaitian {
namespace {

uint64_t steps(const Call& call, size_t piece) {
  return call.ranks.size() * Pieces(call.signature.count, piece).size();
}

void fill(const Call& call, size_t piece, uint64_t index, Step& step) {
  const Pieces pieces(call.signature.count, piece);
  const size_t owner = index / pieces.size();
  const uint64_t part = index % pieces.size();
  const uint64_t from = pieces.from(part);
  step.reset(Step::Kind::Combine, pieces.length(part));
  step.read(call, owner, from);
  step.write(call, call.signature.root, owner * call.signature.count + from);
}

}  // namespace

const Schedule kGather{steps, fill};

}  // namespace kaitian
