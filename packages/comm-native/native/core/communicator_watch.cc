// The communicator's keeper: who is late, who has left, who cannot be reached.
#include <algorithm>
#include <utility>

#include "communicator.h"

namespace kaitian {
namespace {

// How often the keeper looks, at least, and how late it is when it was stopped.
constexpr auto kPulse = std::chrono::milliseconds(100);
// A wait in which there were more is one on a machine that is always late.
constexpr size_t kPausesKept = 256;

double milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

}  // namespace

// A crew that sleeps looks up in time for whatever begins now; only a rank that
// has left already must be noticed at once.
void Communicator::watch() {
  crew_.start();
  if (leavers_.load(std::memory_order_seq_cst) > 0) crew_.ring();
}

// Of what other groups wait for, though nobody here does.
void Communicator::awaited() {
  if (leavers_.load(std::memory_order_seq_cst) == 0) return;
  crew_.start();
  crew_.ring();
}

void Communicator::lookForLeavers(const Lane& lane) {
  if (leavers_.load(std::memory_order_seq_cst) == 0) return;
  const std::optional<uint64_t> number = span_->awaitedOf(lane);
  if (!number) return;
  std::vector<int> gone = leftAmong(lane.missing(*number));
  // Looked at again: they may have arrived and then left.
  const std::vector<int> still = lane.missing(*number);
  std::erase_if(gone, [&](int rank) { return !std::ranges::count(still, rank); });
  if (!gone.empty()) abort(PeersLeft{lane.id(), *number, std::move(gone)});
}

Clock::time_point Communicator::lookAtDeadlines() {
  const Clock::time_point now = Clock::now();
  notePause(now);
  // What begins now wakes nobody: it is seen in time at the next look.
  nextLook_ = now + std::min<Clock::duration>(options_.deadline / 8, kPulse);
  for (const Lane* const lane : lanes()) lookAt(*lane, now, nextLook_);
  return nextLook_;
}

// Stopped, in a debugger, swapped out: while this thread had no turn, neither
// had those who are waited for, and it counts for nobody.
void Communicator::notePause(Clock::time_point now) {
  const Clock::duration late = now - nextLook_;
  if (late < kPulse) return;
  pauses_.push_back({now, late});
  if (pauses_.size() > kPausesKept) pauses_.pop_front();
}

Clock::duration Communicator::pausedSince(Clock::time_point since) const {
  Clock::duration paused{};
  for (const Pause& pause : pauses_) {
    if (pause.end > since) paused += std::min(pause.length, pause.end - since);
  }
  return paused;
}

void Communicator::lookAt(const Lane& lane, Clock::time_point now, Clock::time_point& next) {
  if (span_ != nullptr) lookForLeavers(lane);
  std::optional<Lane::Waiting> waiting = lane.waiting();
  if (!waiting) return;
  if (std::vector<int> gone = leftAmong(waiting->missing); !gone.empty()) {
    // Looked at again: it may have arrived and then left.
    waiting = lane.waiting();
    if (!waiting) return;
    std::erase_if(gone, [&](int rank) { return !std::ranges::count(waiting->missing, rank); });
    if (!gone.empty()) return abort(PeersLeft{lane.id(), waiting->number, std::move(gone)});
  }
  waiting->since += pausedSince(waiting->since);
  if (linkFails(lane, *waiting, now, next)) return;
  // Who is late is named by its own group first: this one knows only that group.
  const bool elsewhere = span_ != nullptr && waiting->phase != Phase::Arrive;
  const auto budget = elsewhere ? options_.deadline * 5 / 4 : options_.deadline;
  const Clock::time_point due = waiting->since + budget;
  if (due > now) {
    next = std::min(next, due);
  } else {
    next = std::min(next, now + options_.deadline / 16);
    fail(lane, std::move(*waiting), budget);
  }
}

// Half of the budget is for a link to be restored.
bool Communicator::linkFails(const Lane& lane, const Lane::Waiting& waiting,
                             Clock::time_point now, Clock::time_point& next) {
  if (span_ == nullptr || waiting.phase == Phase::Arrive) return false;
  const auto grace = options_.deadline / 2;
  next = std::min(next, now + grace / 8);
  if (waiting.since > now - grace) return false;
  std::optional<GroupLost> lost = span_->lost(lane, now - grace);
  if (lost) abort(std::move(*lost));
  return lost.has_value();
}

void Communicator::fail(const Lane& lane, Lane::Waiting waiting, Clock::duration budget) {
  if (span_ != nullptr && waiting.phase != Phase::Arrive) {
    if (waiting.phase == Phase::Reduce) waiting.phase = Phase::Bridge;
    for (const size_t group : span_->laggards(lane, waiting.number, waiting.phase)) {
      for (size_t i = 0; i < groups().sizeOf(group); ++i) {
        waiting.missing.push_back(static_cast<int>(groups().first(group) + i));
      }
    }
  }
  // Who knows nobody to name leaves it to those who do, for a while.
  if (span_ != nullptr && waiting.missing.empty()) {
    budget = options_.deadline * 3 / 2;
    if (Clock::now() < waiting.since + budget) return;
  }
  abort(DeadlineExceeded{lane.id(), waiting.number, std::move(waiting.missing),
                         milliseconds(budget), waiting.phase});
}

std::vector<int> Communicator::leftAmong(const std::vector<int>& ranks) const {
  std::vector<int> gone;
  if (leavers_.load(std::memory_order_seq_cst) == 0) return gone;
  for (const int rank : ranks) {
    if (rank >= 0 && seat(rank).left.load(std::memory_order_seq_cst)) gone.push_back(rank);
  }
  return gone;
}

}  // namespace kaitian
