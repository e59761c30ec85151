#pragma once

#include "../groups.h"
#include "../kernels/combine.h"
#include "step.h"

namespace kaitian {

// What groups exchange: F32 sums may travel in half the bytes, rounded to
// bf16. Each group then rounds its own part as well, so that all have the same.
enum class WirePrecision : uint8_t { Full, Bf16 };

// How a step of `signature` combines within a group …
Reduction withinGroup(const Signature& signature, WirePrecision wire);
// … how the groups' parts combine, of `ranks` ranks in all …
Reduction acrossGroups(const Signature& signature, WirePrecision wire, size_t ranks);
// … and both at once, where there is one group.
Reduction withinOne(const Signature& signature, size_t ranks);

// Does a step whose ranks are all in this process, with the same bits as if
// every group but this one were reached over a wire. `rankOf` maps a step's
// ranks to the communicator's.
void perform(const Step& step, const Signature& signature, const Groups& groups,
             WirePrecision wire, std::span<const size_t> rankOf);

}  // namespace kaitian
