#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "collective/perform.h"
#include "crew.h"
#include "failure.h"
#include "groups.h"
#include "lane.h"
#include "lane_numbers.h"
#include "region.h"
#include "span/span.h"

namespace kaitian {

struct CommunicatorOptions {
  // Sizes of the groups, in group order; their ranks are numbered through.
  Groups groups{std::vector<size_t>{1}};
  // The group in this process; none when all of them are.
  std::optional<size_t> group;
  WirePrecision wire = WirePrecision::Full;
  uint64_t generation = 0;
  // The ways to the other groups, where only one is in this process.
  std::vector<std::shared_ptr<Trunk>> trunks;
  // regions[dtype][rank of this process]: where buckets lie; empty for a dtype that has none.
  std::array<std::vector<Region>, kDTypes> regions;
  std::chrono::nanoseconds deadline{};
  // Of a call in the caller's own thread.
  std::chrono::nanoseconds patience = std::chrono::microseconds(100);
};

// The operations of one generation.
//
// Ranks arrive at operations, each in its own thread. An operation runs when
// all have come and agree on its signature, on the threads of those that wait
// for it and on a crew of native threads. The abort word is sticky: whoever
// sets it first says why, every wait ends, and nothing runs any more.
class Communicator : private LaneHost, private SpanHost {
 public:
  explicit Communicator(CommunicatorOptions options);
  ~Communicator() override;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  const Groups& groups() const { return options_.groups; }
  size_t ranks() const { return options_.groups.ranks(); }
  bool isHere(size_t rank) const { return rank >= first_ && rank - first_ < ranksHere(); }

  // The leader's thread: waits for a bucket. Buckets lie in the regions.
  Outcome issue(const Signature& signature, Completion done);
  // Calls back when no thread of this object's runs any more; then `close` will not wait.
  void whenEnded(std::function<void()> ended);
  // The end of a generation in which all went well: an abort that the other
  // groups, who may still be finishing the last call, are told of only when they
  // begin another one. A plain abort while somebody here waits.
  void retire(std::string cause);
  // Retires, waits until all threads have left the memory, unpins it.
  void close();

  // A rank's thread. `join` is false when the rank had joined before.
  bool join(size_t rank);
  // Marks a bucket; TooFar or Pending.
  Outcome ready(size_t rank, const Signature& signature);
  // A call of all ranks. In the caller's own thread for as long as others keep
  // pace (`later` makes the completion if they do not), or not at all.
  Outcome call(size_t rank, Arrival arrival, const std::function<Completion()>& later);
  Outcome callLater(size_t rank, Arrival arrival);
  // One way between two ranks. `rank` is the caller, one of the two.
  Outcome pass(size_t from, size_t to, size_t rank, Arrival arrival,
               const std::function<Completion()>& later);
  void leave(size_t rank);

  // Any thread.
  bool aborted() const override { return aborted_.load(std::memory_order_seq_cst); }
  void abort(Failure failure) override;
  std::optional<Failure> failure() const override;

 private:
  struct alignas(64) SeatState {
    std::atomic<bool> joined{false};
    std::atomic<bool> left{false};
    // In a call, on its own thread: it may be in the memory of others.
    std::atomic<bool> inside{false};
  };
  class Inside;

  bool announce(Lane& lane, Operation& operation, uint64_t number) override;
  bool perform(Lane& lane, Operation& operation, uint64_t number, uint64_t step) override;
  bool performsAtOnce() const override { return span_ == nullptr; }
  size_t pieceOf(const Lane& lane, const Signature& signature) const override;
  void offer(Lane& lane, uint64_t number) override;
  Lane* laneOf(uint32_t id) override;
  void ringCrew() override { crew_.ringWorkers(); }
  void watch() override;
  void awaited() override;

  size_t ranksHere() const;
  void openSpan();
  Outcome attend(Lane& lane, size_t chair, Arrival arrival,
                 const std::function<Completion()>& later);
  SeatState& seat(size_t rank) const { return *seats_[rank - first_]; }
  // What ranks may be ahead: with buckets, of which a step has many, more than
  // with calls, for which the cache is the better the fewer there are.
  static constexpr uint64_t kBucketsAhead = 256;
  static constexpr uint64_t kCallsAhead = 32;

  Lane& makeLane(uint32_t id, uint64_t capacity, bool led);
  Lane& keep(std::unique_ptr<Lane> lane);
  Lane& passLane(size_t from, size_t to);
  std::vector<Lane*> lanes() const;
  Clock::time_point lookAtDeadlines();
  void notePause(Clock::time_point now);
  Clock::duration pausedSince(Clock::time_point since) const;
  void lookAt(const Lane& lane, Clock::time_point now, Clock::time_point& next);
  void fail(const Lane& lane, Lane::Waiting waiting, Clock::duration budget);
  bool linkFails(const Lane& lane, const Lane::Waiting& waiting, Clock::time_point now,
                 Clock::time_point& next);
  void end(Failure failure, bool tells);
  void lookForLeavers(const Lane& lane);
  std::vector<int> leftAmong(const std::vector<int>& ranks) const;
  void ended();
  void awaitNobodyInside() const;
  Patience patience() const { return {options_.patience, oversubscribed_}; }

  CommunicatorOptions options_;
  // This process's first rank, and one state for each.
  size_t first_ = 0;
  std::vector<std::unique_ptr<SeatState>> seats_;
  SeatState leader_;
  bool oversubscribed_ = false;

  struct Pause {
    Clock::time_point end;
    Clock::duration length;
  };
  // The keeper's own: when it looks next, and when it was stopped lately.
  Clock::time_point nextLook_ = Clock::time_point::max();
  std::deque<Pause> pauses_;

  std::atomic<bool> aborted_{false};
  std::atomic<size_t> leavers_{0};

  std::mutex sweeping_;  // held by an abort until all are told
  mutable std::mutex mutex_;  // guards what follows, up to the crew
  std::optional<Failure> failure_;
  bool ended_ = false;
  std::function<void()> whenEnded_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::map<std::pair<size_t, size_t>, Lane*> passLanes_;

  Lane* calls_ = nullptr;
  Lane* buckets_ = nullptr;
  // Null when all groups are in this process.
  std::unique_ptr<Span> span_;

  Crew crew_;  // last: it uses all of the above
};

}  // namespace kaitian
