#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "operation.h"
#include "patience.h"

namespace kaitian {

class Lane;

// What lanes need of the communicator they belong to.
class LaneHost {
 public:
  virtual ~LaneHost() = default;

  virtual bool aborted() const = 0;
  virtual std::optional<Failure> failure() const = 0;
  virtual void abort(Failure failure) = 0;
  // All of this group's ranks have arrived and agree. True when there is nobody
  // else to ask; otherwise Lane::agreed is called later.
  virtual bool announce(Lane& lane, Operation& operation, uint64_t number) = 0;
  // Does one step; Lane::stepDone follows, now or later, on any thread.
  virtual void perform(Lane& lane, Operation& operation, uint64_t number, uint64_t step) = 0;
  // Elements of a step.
  virtual size_t pieceOf(const Lane& lane, const Signature& signature) const = 0;
  // An operation has steps for the communicator's own threads.
  virtual void offer(Lane& lane, uint64_t number) = 0;
  // Somebody waits asynchronously: deadlines have to be watched from now on.
  virtual void watch() = 0;
};

enum class Outcome : uint8_t {
  Done,     // carried out, on the caller's thread
  Pending,  // the completion follows
  Failed,   // the communicator was aborted, see failure()
  TooFar,   // refused: the rank is Lane::kCapacity operations ahead
};

// A sequence of operations that the same ranks take part in. Each rank calls
// them in the same order; they run one after the other.
class Lane {
 public:
  // Operations that a rank may be ahead of the last one that is over.
  static constexpr uint64_t kCapacity = 256;

  struct Chair {
    // For errors: a rank of the communicator, or leaderOf a group.
    int rank;
    // Its place among the call's ranks; none for a leader.
    std::optional<size_t> place;
  };

  // `ranks`: the communicator's ranks that take part, in all groups, by place;
  // `chairs`: those who arrive in this process.
  Lane(LaneHost& host, uint32_t id, std::vector<size_t> ranks, std::vector<Chair> chairs);

  uint32_t id() const { return id_; }
  const std::vector<size_t>& ranks() const { return ranks_; }
  const std::vector<Chair>& chairs() const { return chairs_; }

  // A chair's thread: the number of its next operation.
  uint64_t next(size_t chair) const { return counts_[chair].next; }

  // A chair's thread. `later` makes the completion, for a call that has to
  // become asynchronous; with none in hand `arrival.done` is used at once.
  Outcome arrive(size_t chair, Arrival arrival);
  Outcome attend(size_t chair, Arrival arrival, Patience patience,
                 const std::function<Completion()>& later);

  // Any thread.
  void agreed(uint64_t number);
  void stepDone(Operation& operation, uint64_t number);
  // Helps with an operation until it has no more steps to take.
  void help(uint64_t number, size_t share);
  // After an abort: tells all that wait.
  void sweep(const Failure& failure);

  // What the lane waits for: the first operation that is not over.
  struct Waiting {
    uint64_t number;
    Clock::time_point since;
    Phase phase;
    // Chairs' ranks that have not arrived.
    std::vector<int> missing;
  };
  std::optional<Waiting> waiting() const;

 private:
  Operation& place(uint64_t number);
  Operation* find(uint64_t number) const;
  Operation* sit(size_t chair, Arrival& arrival, uint64_t& number, bool& last);
  void gathered(Operation& operation, uint64_t number);
  std::optional<Mismatch> disagreement(const Operation& operation) const;
  void start(Operation& operation, uint64_t number);
  void finish(Operation& operation, uint64_t number);
  void leave(Operation& operation, uint64_t number);
  bool work(Operation& operation, uint64_t number, size_t share);
  bool needsHelp(const Operation& operation) const;
  Outcome wait(Operation& operation, uint64_t number, size_t chair, Patience patience);
  Outcome postpone(Operation& operation, uint64_t number, size_t chair, Completion done);
  void settleAlone(Seat& seat);
  std::vector<int> missing(const Operation& operation) const;
  std::optional<Clock::time_point> waitingSince(const Operation& operation) const;

  LaneHost& host_;
  const uint32_t id_;
  const std::vector<size_t> ranks_;
  const std::vector<Chair> chairs_;

  // Each counted by its chair's thread alone.
  struct alignas(64) Count {
    uint64_t next = 0;
  };
  std::vector<Count> counts_;
  // Operations that are over. Each finisher looks at the next one after
  // counting, each last arrival looks here after being ready: one of the two
  // starts it.
  alignas(64) std::atomic<uint64_t> completed_{0};

  mutable std::mutex growing_;  // guards the making of operations, not their use
  // Twice what may be under way, so that whoever is slow to leave an old one
  // is hardly ever waited for.
  static constexpr uint64_t kPlaces = 2 * kCapacity;
  std::array<std::atomic<Operation*>, kPlaces> operations_{};
  std::vector<std::unique_ptr<Operation>> owned_;
};

}  // namespace kaitian
