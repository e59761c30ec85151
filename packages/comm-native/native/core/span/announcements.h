#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "../signature.h"

namespace kaitian {

// Which groups have announced which operations: data moves when all that take
// part have, and agree (C3).
class Announcements {
 public:
  // One operation's, when the last announcement of it was in.
  struct Complete {
    uint64_t number;
    std::optional<Mismatch> mismatch;
  };

  // A group's announcements of a lane come in the lane's order. `parties`: the
  // groups that take part, in order; known as soon as this group announces.
  std::optional<Complete> announced(uint32_t lane, size_t group, const Signature& signature);
  std::optional<Complete> announcing(uint32_t lane, uint64_t number, size_t me,
                                     const std::vector<size_t>& parties,
                                     const Signature& signature);
  // Whether others have announced what this group has not …
  bool awaitsUs() const;
  // … and what comes first in a lane.
  std::optional<uint64_t> awaitedOf(uint32_t lane) const;
  // Groups that have not announced an operation that this group has.
  std::vector<size_t> missing(uint32_t lane, uint64_t number) const;

 private:
  struct Operation {
    std::vector<size_t> parties;  // empty until this group has announced
    std::map<size_t, Signature> by;
  };
  struct Lane {
    std::map<size_t, uint64_t> counts;
    std::map<uint64_t, Operation> operations;
  };

  std::optional<Complete> look(uint32_t id, Lane& lane, uint64_t number);

  mutable std::mutex mutex_;
  std::map<uint32_t, Lane> lanes_;
};

}  // namespace kaitian
