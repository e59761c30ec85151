#include "announcements.h"

namespace kaitian {

std::optional<Announcements::Complete> Announcements::announced(uint32_t lane, size_t group,
                                                                const Signature& signature) {
  const std::lock_guard lock(mutex_);
  Lane& of = lanes_[lane];
  const uint64_t number = of.counts[group]++;
  of.operations[number].by.emplace(group, signature);
  return look(lane, of, number);
}

std::optional<Announcements::Complete> Announcements::announcing(
    uint32_t lane, uint64_t number, size_t me, const std::vector<size_t>& parties,
    const Signature& signature) {
  const std::lock_guard lock(mutex_);
  Lane& of = lanes_[lane];
  Operation& operation = of.operations[number];
  operation.parties = parties;
  operation.by.emplace(me, signature);
  return look(lane, of, number);
}

std::optional<Announcements::Complete> Announcements::look(uint32_t id, Lane& lane,
                                                            uint64_t number) {
  const auto found = lane.operations.find(number);
  const Operation& operation = found->second;
  if (operation.parties.empty()) return std::nullopt;
  std::vector<Marked> marked;
  for (const size_t group : operation.parties) {
    const auto by = operation.by.find(group);
    if (by == operation.by.end()) return std::nullopt;
    marked.push_back({leaderOf(group), by->second});
  }
  lane.operations.erase(found);
  return Complete{number, compare(id, marked)};
}

bool Announcements::awaitsUs() const {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, lane] : lanes_) {
    for (const auto& [number, operation] : lane.operations) {
      if (operation.parties.empty()) return true;
    }
  }
  return false;
}

std::optional<uint64_t> Announcements::awaitedOf(uint32_t id) const {
  const std::lock_guard lock(mutex_);
  const auto lane = lanes_.find(id);
  if (lane == lanes_.end()) return std::nullopt;
  for (const auto& [number, operation] : lane->second.operations) {
    if (operation.parties.empty()) return number;
  }
  return std::nullopt;
}

std::vector<size_t> Announcements::missing(uint32_t lane, uint64_t number) const {
  const std::lock_guard lock(mutex_);
  std::vector<size_t> groups;
  const auto of = lanes_.find(lane);
  if (of == lanes_.end()) return groups;
  const auto found = of->second.operations.find(number);
  if (found == of->second.operations.end()) return groups;
  for (const size_t group : found->second.parties) {
    if (!found->second.by.contains(group)) groups.push_back(group);
  }
  return groups;
}

}  // namespace kaitian
