#include "schedule.h"

namespace kaitian {
namespace {

// Nothing to do: that all have arrived is the operation.
uint64_t steps(const Call&, size_t) { return 0; }

void fill(const Call&, size_t, uint64_t, Step&) {}

}  // namespace

const Schedule kBarrier{steps, fill};

}  // namespace kaitian
