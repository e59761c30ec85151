#include "role.h"

#include <algorithm>
#include <utility>

namespace kaitian {
namespace {

template <typename Ends>
std::vector<size_t> groupsOf(const Ends& ends, const Groups& groups,
                             std::span<const size_t> rankOf) {
  std::vector<size_t> found;
  for (const auto& end : ends) found.push_back(groups.of(rankOf[end.rank]));
  return distinct(std::move(found));
}

bool holds(const std::vector<size_t>& groups, size_t group) {
  return std::ranges::find(groups, group) != groups.end();
}

Role::Kind kindOf(const Role& role, size_t me) {
  using Kind = Role::Kind;
  const bool sends = holds(role.sources, me);
  const bool receives = holds(role.sinks, me);
  if (!sends && !receives) return Kind::Absent;
  if (role.sources.size() > 1) return Kind::Reduction;
  if (!sends) return Kind::Sink;
  return receives && role.sinks.size() == 1 ? Kind::Local : Kind::Source;
}

}  // namespace

bool Role::isSink(size_t group) const { return holds(sinks, group); }

bool Role::isOwner(size_t group) const { return holds(owners, group); }

Role roleOf(const Step& step, uint64_t index, const Groups& groups, std::span<const size_t> rankOf,
            size_t me) {
  Role role;
  role.sources = groupsOf(step.sources, groups, rankOf);
  role.sinks = groupsOf(step.sinks, groups, rankOf);
  role.kind = kindOf(role, me);
  if (step.kind == Step::Kind::Permute && role.kind == Role::Kind::Reduction) {
    role.kind = Role::Kind::Exchange;
  } else if (role.sources.size() > 1) {
    const bool both = role.sinks.size() == 2 && groups.size() == 2;
    if (both || role.sinks.size() == 1) {
      role.owners = role.sinks;
    } else {
      role.owners = {role.sinks[index % role.sinks.size()]};
    }
  }
  return role;
}

}  // namespace kaitian
