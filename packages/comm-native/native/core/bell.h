#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#ifndef __linux__
#include <condition_variable>
#include <mutex>
#endif

namespace kaitian {

using Clock = std::chrono::steady_clock;

// Wakes one waiting thread. Any thread may ring.
//
//   for (;;) {
//     const uint32_t seen = bell.read();
//     if (whatever is waited for) return;   // looked at after read(), so no ring is lost
//     bell.wait(seen, deadline);
//   }
//
// A waiter spins for some microseconds, then yields, then sleeps: a wake from
// sleep costs 25–50 µs, while spinning longer would take the processor from
// the very threads that are waited for.
class Bell {
 public:
  uint32_t read() const { return rings_.load(std::memory_order_seq_cst); }

  void ring();

  // Returns when the bell was rung after `seen` was read, or false at `until`.
  // May return true without a ring.
  bool wait(uint32_t seen, Clock::time_point until);

 private:
  bool spin(uint32_t seen) const;
  void sleep(uint32_t seen, Clock::time_point until);
  void wake();

  std::atomic<uint32_t> rings_{0};
  std::atomic<bool> sleeping_{false};
#ifndef __linux__
  std::mutex mutex_;
  std::condition_variable woken_;
#endif
};

}  // namespace kaitian
