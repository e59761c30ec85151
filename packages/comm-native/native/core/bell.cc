#include "bell.h"

#include <thread>

#include "relax.h"

#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#endif

namespace kaitian {
namespace {

constexpr int kSpins = 200;

}  // namespace

void Bell::ring(int waiters) {
  // Both this pair and the waiter's (announce sleep, look at the count) are
  // sequentially consistent: at least one of the two sees the other.
  rings_.fetch_add(1, std::memory_order_seq_cst);
  if (sleeping_.load(std::memory_order_seq_cst) > 0) wake(waiters);
}

bool Bell::wait(uint32_t seen, Clock::time_point until) {
  if (spin(seen)) return true;
  sleeping_.fetch_add(1, std::memory_order_seq_cst);
  if (read() == seen) sleep(seen, until);
  sleeping_.fetch_sub(1, std::memory_order_seq_cst);
  return read() != seen || Clock::now() < until;
}

bool Bell::spin(uint32_t seen) const {
  static const bool alone = std::thread::hardware_concurrency() < 2;
  for (int i = 0; i < kSpins && !alone; ++i) {
    if (read() != seen) return true;
    relax();
  }
  return false;
}

#ifdef __linux__

// FUTEX_WAIT_BITSET takes an absolute time of CLOCK_MONOTONIC, which is what
// steady_clock reads.
void Bell::sleep(uint32_t seen, Clock::time_point until) {
  const auto since = until.time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
  timespec time{};
  time.tv_sec = seconds.count();
  time.tv_nsec = std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds).count();
  const timespec* limit = until == Clock::time_point::max() ? nullptr : &time;
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&rings_), FUTEX_WAIT_BITSET_PRIVATE, seen, limit,
          nullptr, FUTEX_BITSET_MATCH_ANY);
}

void Bell::wake(int waiters) {
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&rings_), FUTEX_WAKE_PRIVATE, waiters, nullptr,
          nullptr, 0);
}

#else

void Bell::sleep(uint32_t seen, Clock::time_point until) {
  std::unique_lock lock(mutex_);
  const auto rung = [&] { return read() != seen; };
  if (until == Clock::time_point::max()) {
    woken_.wait(lock, rung);
  } else {
    woken_.wait_until(lock, until, rung);
  }
}

void Bell::wake(int) {
  const std::lock_guard lock(mutex_);
  woken_.notify_all();
}

#endif

}  // namespace kaitian
