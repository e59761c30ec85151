#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "bell.h"
#include "failure.h"
#include "ready_ring.h"
#include "region.h"
#include "signature.h"

namespace kaitian {

struct CommunicatorOptions {
  // regions[dtype][rank]; empty for a dtype that is not in use.
  std::array<std::vector<Region>, kDTypes> regions;
  size_t ranks = 0;
  std::chrono::nanoseconds deadline{};
};

// One group's operations in one generation.
//
// A thread of its own runs the issued operations in sequence: it waits until
// all ranks have marked the operation, compares signatures, sums. Nothing here
// blocks a caller but `close`. The abort word is sticky: whoever sets it first
// says why, every wait ends, and nothing runs any more.
class Communicator {
 public:
  // Called on the communicator's thread, or on the caller's when it has ended.
  // Null when the operation was carried out.
  using Completion = std::function<void(const Failure*)>;

  explicit Communicator(CommunicatorOptions options);
  ~Communicator();
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  size_t ranks() const { return ranks_.size(); }

  // The leader's thread.
  void issue(const Signature& signature, Completion done);
  // Calls back when the thread runs nothing any more; then `close` will not wait.
  void whenEnded(std::function<void()> ended);
  // Aborts, waits until the thread has left the memory, unpins it.
  void close();

  // A rank's thread. `join` is false when the rank had joined before.
  bool join(size_t rank);
  // False when the rank is ReadyRing::kCapacity operations ahead.
  bool ready(size_t rank, const Signature& signature);
  void leave(size_t rank);

  // Any thread.
  void abort(Failure failure);
  std::optional<Failure> failure() const;

 private:
  struct Rank {
    ReadyRing ring;
    std::atomic<bool> joined{false};
    std::atomic<bool> left{false};
  };
  struct Operation {
    Signature signature;
    Clock::time_point deadline;
    Completion done;
  };

  void run();
  void end();
  std::optional<Operation> next();
  void perform(const Operation& operation);
  bool awaitMembers(const Operation& operation);
  bool agree(const Signature& issued);
  std::vector<int> missing() const;
  bool aborted() const { return aborted_.load(std::memory_order_acquire); }

  const std::chrono::nanoseconds deadline_;
  std::array<std::vector<Region>, kDTypes> regions_;
  std::vector<std::unique_ptr<Rank>> ranks_;
  Bell bell_;
  std::atomic<bool> aborted_{false};

  mutable std::mutex mutex_;  // guards what follows, up to the thread
  std::optional<Failure> failure_;
  std::deque<Operation> issued_;
  bool ended_ = false;
  std::function<void()> whenEnded_;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace kaitian
