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

// A rank's place in one operation.
struct Seat {
  enum Wait : uint8_t { Caller, Queue, Settled };

  Arrival arrival;
  std::atomic<bool> arrived{false};
  // Who is to be told. Whoever exchanges it to Settled does the telling.
  std::atomic<uint8_t> wait{Caller};
  // Clock's ticks since which somebody waits asynchronously; 0 for nobody.
  std::atomic<int64_t> since{0};
};

// One collective call: ranks arrive, then its steps are done by whichever
// threads are there, each in any order, then all are told.
//
// The object is used again for a later operation of its lane.
// `state` carries the operation's number, so that a thread which comes late to
// the old one cannot touch the new one.
class Operation {
 public:
  enum Stage : uint64_t { Gathering, Running, Done };

  Operation(size_t seats, size_t ranks, uint64_t number);

  std::vector<std::unique_ptr<Seat>> seats;

  // Set by the last to arrive, read while it is running.
  Signature signature;
  std::vector<Buffers> ranks;
  const Schedule* schedule = nullptr;
  size_t piece = 0;
  Call call() const { return {signature, ranks}; }

  uint64_t number() const { return state_.load(std::memory_order_acquire) >> 2; }
  bool is(uint64_t number, Stage stage) const {
    return state_.load(std::memory_order_acquire) == (number << 2 | stage);
  }

  // True for the last to sit down.
  bool sit(size_t seat, Arrival arrival);
  bool full() const { return sat_.load(std::memory_order_seq_cst) == seats.size(); }

  // Cuts the call into steps, shared out among as many threads as there are seats.
  void cut(size_t pieceElements);
  // All that must be known before it may run is known (seq_cst, see Lane::start).
  void setReady(bool ready) { ready_.store(ready, std::memory_order_seq_cst); }
  bool ready() const { return ready_.load(std::memory_order_seq_cst); }
  // False when another thread was first.
  bool run(uint64_t number);

  // A step that nobody has taken; `share` is looked through first. False when
  // all are taken.
  bool take(size_t share, uint64_t& step);
  // True for the last step.
  bool finishStep() { return remaining_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
  uint64_t steps() const { return steps_.load(std::memory_order_relaxed); }
  void finish(uint64_t number) {
    state_.store(number << 2 | Done, std::memory_order_release);
  }

  // A helper's hold; false when all have left.
  bool enter();
  // Every seat and every helper leaves once. True for the last: then `reset`.
  bool leave() { return users_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
  void reset(uint64_t nextNumber);

 private:
  // A share's next step; on a cache line of its own, since its owner and
  // thieves count it up.
  struct alignas(64) Cursor {
    std::atomic<uint64_t> next{0};
    uint64_t end = 0;
  };

  alignas(64) std::atomic<uint64_t> state_;
  alignas(64) std::atomic<size_t> sat_{0};
  std::atomic<bool> ready_{false};
  alignas(64) std::atomic<uint64_t> remaining_{0};
  alignas(64) std::atomic<size_t> users_;
  std::atomic<uint64_t> steps_{0};
  std::vector<Cursor> cursors_;
};

}  // namespace kaitian
