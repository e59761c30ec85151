#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bell.h"
#include "lane.h"

namespace kaitian {

// A communicator's own threads: they work on operations that are offered, and
// the first of them keeps watch over deadlines. Started by the first need.
class Crew {
 public:
  struct Duties {
    std::function<bool()> over;
    // Does something that cannot wait; false when there is nothing.
    std::function<bool()> task;
    // Looks at deadlines; when to look again.
    std::function<Clock::time_point()> watch;
    // By the last to go.
    std::function<void()> ended;
    // One of them cannot go on, or never began, and says why. It is over then.
    std::function<void(std::string why)> failed;
  };

  // `divided`, among three: buckets are one thread's, everything else another's,
  // each in the order in which it was offered, and the first only keeps watch:
  // the others may have to wait for a group that never answers, which only it
  // can end. Otherwise everybody helps with everything, the first one too.
  Crew(size_t size, bool divided, Duties duties)
      : size_(size), divided_(divided), duties_(std::move(duties)) {}
  ~Crew() { join(); }

  // Any thread. Where the system gives no more threads it has failed.
  void start();
  // It was started, and nobody is left who could say that all have gone.
  bool isDeserted() const { return deserted_.load(std::memory_order_acquire); }
  void offer(Lane& lane, uint64_t number);
  // There is a task.
  void ringWorkers() { bell_.ring(); }
  // There is something to look at: for the keeper too.
  void ring() {
    bell_.ring();
    keeperBell_.ring();
  }

  // Waits until all have gone; they go when duties.over() is true.
  void join();

 private:
  struct Offer {
    Lane* lane;
    uint64_t number;
    // Counts all offers.
    uint64_t serial;
  };

  void run(size_t index);
  void serve(size_t index);
  bool help(size_t index);
  bool isFor(const Offer& offer, size_t index) const;

  const size_t size_;
  const bool divided_;
  const Duties duties_;
  Bell bell_;
  // Of a keeper that does nothing else: what is offered need not wake it.
  Bell keeperBell_;
  std::atomic<bool> started_{false};
  std::atomic<size_t> present_{0};
  std::atomic<bool> deserted_{false};

  std::mutex mutex_;  // guards what follows
  std::vector<Offer> offers_;
  uint64_t offered_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace kaitian
