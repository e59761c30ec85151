#pragma once

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
  // else to ask; otherwise Lane::agreed is called, perhaps before this returns.
  virtual bool announce(Lane& lane, Operation& operation, uint64_t number) = 0;
  // Whether `perform` is through when it returns, and any thread may call it;
  // otherwise the crew calls it, in the steps' order.
  virtual bool performsAtOnce() const = 0;
  // Does one step. True when it is through; otherwise Lane::stepsDone follows,
  // on any thread.
  virtual bool perform(Lane& lane, Operation& operation, uint64_t number, uint64_t step) = 0;
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
  TooFar,   // refused: the rank is too many operations ahead
};

// A sequence of operations that the same ranks take part in. Each rank calls
// them in the same order; they run one after the other.
class Lane {
 public:
  struct Chair {
    // For errors: a rank of the communicator, or leaderOf a group.
    int rank;
    // Its place among the call's ranks; none for a leader.
    std::optional<size_t> place;
  };

  // `ranks`: the communicator's ranks that take part, in all groups, by place;
  // `chairs`: those who arrive in this process; `capacity`: operations that a
  // rank may be ahead of the last one that is over.
  Lane(LaneHost& host, uint32_t id, uint64_t capacity, std::vector<size_t> ranks,
       std::vector<Chair> chairs);

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

  // Any thread. `running` is null when it is not; otherwise it stays until all
  // its steps are done.
  Operation* running(uint64_t number) const;
  bool isOver(uint64_t number) const {
    return number < completed_.load(std::memory_order_seq_cst);
  }
  void agreed(uint64_t number);
  void stepsDone(Operation& operation, uint64_t number, uint64_t steps = 1);
  // Helps with an operation until it has no more steps to take.
  void help(uint64_t number, size_t share);
  // After an abort: tells all that wait; false when nobody does.
  bool sweep(const Failure& failure);

  // What the lane waits for: the first operation that is not over.
  struct Waiting {
    uint64_t number;
    Clock::time_point since;
    Phase phase;
    // Chairs' ranks that have not arrived.
    std::vector<int> missing;
  };
  std::optional<Waiting> waiting() const;
  // Chairs' ranks that have not arrived at an operation that is not over.
  std::vector<int> missing(uint64_t number) const;

 private:
  // Whether the thread that starts an operation may do its steps.
  enum class Starter { Works, Passes };

  Operation& place(uint64_t number);
  Operation* find(uint64_t number) const;
  Operation* sit(size_t chair, Arrival& arrival, uint64_t& number, bool& last);
  Outcome wait(Operation& operation, uint64_t number, size_t chair, Patience patience);
  Outcome postpone(Operation& operation, uint64_t number, size_t chair, Completion done);
  void settle(Seat& seat);
  void gathered(Operation& operation, uint64_t number, Starter starter);
  std::optional<Mismatch> disagreement(const Operation& operation) const;
  void start(Operation& operation, uint64_t number, Starter starter);
  bool needsHelp(const Operation& operation) const;
  bool work(Operation& operation, uint64_t number, size_t share);
  void finish(Operation& operation, uint64_t number);
  std::vector<int> missing(const Operation& operation, uint64_t number) const;
  std::optional<Clock::time_point> waitedSince(const Operation& operation) const;

  LaneHost& host_;
  const uint32_t id_;
  const uint64_t capacity_;
  const std::vector<size_t> ranks_;
  const std::vector<Chair> chairs_;

  // Each used by its chair's thread alone.
  struct alignas(64) Count {
    uint64_t next = 0;
    // Not to be reached before `completed_` was looked at again.
    uint64_t limit = 0;
  };
  std::vector<Count> counts_;
  // Operations that are over. Each finisher looks at the next one after
  // counting, each last arriver looks here after being ready: one of the two
  // starts it.
  alignas(64) std::atomic<uint64_t> completed_{0};

  std::mutex growing_;  // guards the making of operations, not their use
  std::vector<std::unique_ptr<Operation>> owned_;
  std::vector<std::atomic<Operation*>> operations_;
};

}  // namespace kaitian
