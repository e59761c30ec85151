#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>

#ifndef __linux__
#include <condition_variable>
#include <mutex>
#endif

namespace kaitian {

using Clock = std::chrono::steady_clock;

// Wakes waiting threads. Any thread may ring.
//
//   for (;;) {
//     const uint32_t seen = bell.read();
//     if (whatever is waited for) return;   // looked at after read(), so no ring is lost
//     bell.wait(seen, deadline);
//   }
//
// A waiter spins for some microseconds, then sleeps: a wake from sleep costs
// 25–50 µs, while spinning longer, or yielding again and again, would take the
// processor from the very threads that are waited for.
class Bell {
 public:
  uint32_t read() const { return rings_.load(std::memory_order_seq_cst); }

  // Wakes all that wait, or as many as there is something to do for.
  void ring(int waiters = std::numeric_limits<int>::max());

  // Returns when the bell was rung after `seen` was read, or false at `until`.
  // May return true without a ring.
  bool wait(uint32_t seen, Clock::time_point until);

 private:
  bool spin(uint32_t seen) const;
  void sleep(uint32_t seen, Clock::time_point until);
  void wake(int waiters);

  std::atomic<uint32_t> rings_{0};
  std::atomic<int> sleeping_{0};
#ifndef __linux__
  std::mutex mutex_;
  std::condition_variable woken_;
#endif
};

}  // namespace kaitian
