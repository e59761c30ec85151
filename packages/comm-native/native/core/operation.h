#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "bell.h"
#include "collective/call.h"
#include "collective/schedule.h"
#include "failure.h"
#include "region.h"

namespace kaitian {

// Null when the operation was carried out.
using Completion = std::function<void(const Failure*)>;

// What a rank brings when it arrives at an operation.
struct Arrival {
  Signature signature;
  Buffers buffers;
  Pin sendPin;
  Pin recvPin;
  // Called once, on any thread; none where the arriving thread itself waits.
  Completion done;
  // Nobody waits for this arrival: it has no say in the deadline.
  bool silent = false;
};

// A rank's place in one operation. What the last to arrive has to read of the
// others lies on one cache line: fetching one from another core takes as long
// as adding up two kilobytes.
struct alignas(64) Seat {
  enum Wait : uint8_t { Caller, Queue, Settled };

  Signature signature;
  Buffers buffers;
  // Who is to be told. Whoever exchanges it to Settled does the telling.
  std::atomic<uint8_t> wait{Settled};

  // The operation that the rank has arrived at, and one.
  alignas(64) std::atomic<uint64_t> arrived{0};
  // Clock's ticks since which somebody waits asynchronously; 0 for nobody.
  std::atomic<int64_t> since{0};
  Pin sendPin;
  Pin recvPin;
  Completion done;
};

// One collective call: ranks arrive, then its steps are done by whichever
// threads are there, each in any order, then all are told.
//
// The object is used again for later operations of its lane. Its counters only
// grow and its state carries the operation's number, so that nothing has to be
// put back, and a thread that comes late to an old operation cannot touch a new
// one. `places` is the distance between operations that share it.
class Operation {
 public:
  enum Stage : uint64_t {
    Started,  // by one thread, which decides who does it
    Running,  // everybody may take steps
    Done,
  };

  Operation(size_t seats, size_t ranks, uint64_t places);

  std::vector<std::unique_ptr<Seat>> seats;

  // Set by the last to arrive, read while it is running.
  Signature signature;
  std::vector<Buffers> ranks;
  const Schedule* schedule = nullptr;
  size_t piece = 0;
  Call call() const { return {signature, ranks}; }

  // Whether all have left the one before.
  bool isFree(uint64_t number) const;
  bool is(uint64_t number, Stage stage) const {
    return state_.load(std::memory_order_seq_cst) == word(number, stage);
  }
  bool isOver(uint64_t number) const { return is(number, Done); }

  // True for the last to sit down.
  bool sit(size_t seat, uint64_t number, Arrival arrival);
  bool hasArrived(size_t seat, uint64_t number) const {
    return seats[seat]->arrived.load(std::memory_order_seq_cst) == number + 1;
  }

  // Cuts the call into steps, in so many shares, at most one for each seat.
  void cut(size_t pieceElements, size_t shares);
  uint64_t steps() const { return steps_.load(std::memory_order_relaxed); }
  // All that must be known before it may run is known (seq_cst, see Lane::start).
  void setReady(uint64_t number) { ready_.store(number + 1, std::memory_order_seq_cst); }
  bool isReady(uint64_t number) const {
    return ready_.load(std::memory_order_seq_cst) == number + 1;
  }
  // False when another thread was first.
  bool start(uint64_t number);
  // Before a look at who waits (seq_cst, see Lane::start).
  void run(uint64_t number) { state_.store(word(number, Running), std::memory_order_seq_cst); }
  void advance(uint64_t number, Stage stage) {
    state_.store(word(number, stage), std::memory_order_release);
  }

  // A step that nobody has taken; `share` is looked through first. False when
  // all are taken.
  bool take(size_t share, uint64_t& step);
  // True when no step is left.
  bool finishSteps(uint64_t steps) {
    return remaining_.fetch_sub(steps, std::memory_order_acq_rel) == steps;
  }

  // Holds it while somebody other than a seat works on it.
  void hold() { holds_.fetch_add(1, std::memory_order_seq_cst); }
  void release() { holds_.fetch_sub(1, std::memory_order_release); }
  // A seat leaves, once, and lets go of its memory.
  void leave(size_t seat);

 private:
  // A share's next step; on a cache line of its own, since its owner and
  // thieves count it up.
  struct alignas(64) Cursor {
    std::atomic<uint64_t> next{0};
    uint64_t end = 0;
  };

  static constexpr uint64_t word(uint64_t number, Stage stage) { return number << 2 | stage; }

  const uint64_t places_;
  alignas(64) std::atomic<uint64_t> state_{~uint64_t{0}};
  // Arrivals and departures of all operations so far.
  alignas(64) std::atomic<uint64_t> sat_{0};
  std::atomic<uint64_t> left_{0};
  std::atomic<uint64_t> ready_{0};
  std::atomic<size_t> holds_{0};
  alignas(64) std::atomic<uint64_t> remaining_{0};
  std::atomic<uint64_t> steps_{0};
  std::vector<Cursor> cursors_;
};

}  // namespace kaitian
