#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "../collective/step.h"
#include "../groups.h"

namespace kaitian {

// What the groups have to do with one step.
//
// A reduction's contributions go to its owners, who combine them in group order
// and pass the result on. Of two groups both are owners: each sends its whole
// part to the other, which costs the same bytes as halves there and halves back
// and one way less. Of more, each step has one owner, in turn: per group that
// is the 2S(G−1)/G bytes of a ring, but two ways instead of 2(G−1), and every
// element is still combined in group order, which a ring cannot do.
struct Role {
  enum class Kind {
    Absent,     // nothing to do
    Local,      // a matter of this group alone
    Source,     // sends what it has
    Sink,       // receives what one other group has
    Reduction,  // contributes, as all groups do
    Exchange,   // sends to the one other group and receives from it
  };
  Kind kind = Kind::Absent;
  // Groups, in order.
  std::vector<size_t> sources;
  std::vector<size_t> sinks;
  // Of a reduction: who combine it.
  std::vector<size_t> owners;

  bool isSink(size_t group) const;
  bool isOwner(size_t group) const;
};

// `rankOf` maps the step's ranks to the communicator's. The same on all groups,
// but for the kind.
Role roleOf(const Step& step, uint64_t index, const Groups& groups, std::span<const size_t> rankOf,
            size_t me);

}  // namespace kaitian
