#include "span.h"

#include <algorithm>

#include "../lane_numbers.h"

namespace kaitian {
namespace {

// A step of a small operation is a part of it, so that its ways overlap, but
// worth a frame.
constexpr size_t kSmallestStep = 64 * 1024;
constexpr size_t kStepsAtLeast = 8;

GroupLost::Reason reasonOf(wire::Loss::Reason reason) {
  switch (reason) {
    case wire::Loss::Reason::Silent:
      return GroupLost::Reason::Silent;
    case wire::Loss::Reason::Malformed:
      return GroupLost::Reason::Malformed;
    case wire::Loss::Reason::Corrupt:
      return GroupLost::Reason::Corrupt;
    default:
      return GroupLost::Reason::Closed;
  }
}

}  // namespace

// One other group, as its trunk's user.
class Span::Peer : public TrunkUser {
 public:
  Peer(Span& span, size_t group) : span_(span), group_(group) {}

  void onChunk(wire::Received chunk) override { span_.onChunk(group_, std::move(chunk)); }
  void onAnnouncement(const wire::Announcement& announcement) override {
    span_.onAnnouncement(group_, announcement);
  }
  void onAbort(const wire::AbortNotice& notice) override { span_.host_.abort(notice.failure); }
  void onLost(const wire::Loss& loss) override { span_.onLost(group_, loss); }

 private:
  Span& span_;
  const size_t group_;
};

Span::Span(SpanOptions options, SpanHost& host) : options_(std::move(options)), host_(host) {
  for (size_t group = 0; group < options_.groups.size(); ++group) {
    peers_.push_back(std::make_unique<Peer>(*this, group));
  }
  for (auto& pool : pools_) {
    pool = std::make_shared<StagingPool>(options_.window, options_.chunkBytes);
  }
}

Span::~Span() { exit(Aborted{"The communicator is gone."}); }

void Span::enter() {
  for (size_t group = 0; group < peers_.size(); ++group) {
    if (group != options_.group) {
      options_.trunks[group]->enter(options_.generation, *peers_[group]);
    }
  }
}

void Span::exit(const Failure& reason) {
  for (size_t group = 0; group < peers_.size(); ++group) {
    if (group == options_.group) continue;
    options_.trunks[group]->exit(*peers_[group], reason, !told_.load());
  }
  // Of what comes from now on the trunks tell.
  abort(reason, announcements_.awaitsUs());
  // Slots of the links, which the next generation needs.
  const std::lock_guard lock(mutex_);
  pending_.clear();
  early_.clear();
  tasks_.clear();
}

std::vector<size_t> Span::partiesOf(const Lane& lane) const {
  std::vector<size_t> parties;
  for (const size_t rank : lane.ranks()) parties.push_back(options_.groups.of(rank));
  return distinct(std::move(parties));
}

bool Span::announce(Lane& lane, const Operation& operation, uint64_t number) {
  const std::vector<size_t> parties = partiesOf(lane);
  if (parties.size() == 1) return true;
  for (const size_t group : parties) {
    if (group == options_.group) continue;
    options_.trunks[group]->link().announce({lane.id(), operation.signature});
  }
  const auto complete = announcements_.announcing(lane.id(), number, options_.group, parties,
                                                  operation.signature);
  if (complete) decide(lane, *complete);
  return false;
}

void Span::onAnnouncement(size_t group, const wire::Announcement& announcement) {
  const auto complete =
      announcements_.announced(announcement.lane, group, announcement.signature);
  // Complete means that this group has announced it too, so it has the lane.
  if (complete) decide(*host_.laneOf(announcement.lane), *complete);
  if (!complete) host_.awaited();
}

void Span::decide(Lane& lane, const Announcements::Complete& complete) {
  if (complete.mismatch) return host_.abort(*complete.mismatch);
  lane.agreed(complete.number);
}

void Span::onChunk(size_t group, wire::Received chunk) {
  const wire::ChunkKey key = chunk.key;
  Lane* const lane = host_.laneOf(key.lane);
  if (lane == nullptr || lane->isOver(key.sequence)) {
    return refuse(group, "a chunk of an operation that is not under way");
  }
  Operation* operation = nullptr;
  {
    // Against `started`: one of the two sees the other.
    const std::lock_guard lock(mutex_);
    operation = lane->running(key.sequence);
    if (operation == nullptr) {
      early_[{key.lane, key.sequence}].emplace_back(group, std::move(chunk));
      return;
    }
  }
  accept(*lane, *operation, group, std::move(chunk));
}

void Span::started(Lane& lane, uint64_t number) {
  std::vector<std::pair<size_t, wire::Received>> early;
  Operation* operation = nullptr;
  {
    const std::lock_guard lock(mutex_);
    const auto found = early_.find({lane.id(), number});
    if (found == early_.end()) return;
    early = std::move(found->second);
    early_.erase(found);
    // Not over before these chunks are used.
    operation = lane.running(number);
  }
  for (auto& [group, chunk] : early) accept(lane, *operation, group, std::move(chunk));
}

void Span::onLost(size_t group, const wire::Loss& loss) {
  const GroupLost::Reason reason = reasonOf(loss.reason);
  // What is only interrupted may be restored; what is wrong may not be summed.
  if (reason == GroupLost::Reason::Malformed || reason == GroupLost::Reason::Corrupt) {
    host_.abort(GroupLost{static_cast<uint32_t>(group), reason, loss.detail});
  }
}

void Span::refuse(size_t group, const char* what) {
  host_.abort(GroupLost{static_cast<uint32_t>(group), GroupLost::Reason::Malformed, what});
}

size_t Span::pieceOf(const Signature& signature) const {
  const size_t width = widthOf(signature.dtype);
  const uint64_t part = signature.count * width / kStepsAtLeast;
  const uint64_t least = std::min(kSmallestStep, options_.chunkBytes);
  return std::max<uint64_t>(std::clamp<uint64_t>(part, least, options_.chunkBytes) / width, 1);
}

void Span::abort(const Failure& failure, bool tells) {
  if (tells) told_.store(true);
  for (size_t group = 0; group < options_.trunks.size(); ++group) {
    if (group == options_.group || !tells) continue;
    options_.trunks[group]->link().abort({options_.generation, failure});
  }
  for (const auto& pool : pools_) pool->bell().ring();
}

std::vector<size_t> Span::laggards(const Lane& lane, uint64_t number, Phase phase) const {
  if (phase == Phase::Compare) return announcements_.missing(lane.id(), number);
  std::vector<size_t> groups;
  const std::lock_guard lock(mutex_);
  const auto first = pending_.lower_bound({lane.id(), number, 0});
  const bool known = first != pending_.end() && first->first.lane == lane.id() &&
                     first->first.number == number;
  // Where this group only waits for a result, its owner knows for whom.
  if (!known) return groups;
  for (const size_t group : partiesOf(lane)) {
    if (!first->second.byGroup.contains(group)) groups.push_back(group);
  }
  return groups;
}

std::optional<GroupLost> Span::lost(const Lane& lane, Clock::time_point since) const {
  for (const size_t group : partiesOf(lane)) {
    if (group == options_.group) continue;
    const auto gap = options_.trunks[group]->gap();
    if (!gap || gap->since > since) continue;
    return GroupLost{static_cast<uint32_t>(group), reasonOf(gap->loss.reason), gap->loss.detail};
  }
  return std::nullopt;
}

}  // namespace kaitian
