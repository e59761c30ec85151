#pragma once

#include <chrono>
#include <thread>

#include "relax.h"

namespace kaitian {

// How long a thread waits in place for others before it lets go: a wake from
// sleep costs 25–50 µs, so a short wait is cheaper awake. With more threads
// than processors it yields, because those waited for may need this one's.
class Patience {
 public:
  Patience(std::chrono::nanoseconds length, bool yields) : length_(length), yields_(yields) {}

  // Once more around the loop?
  bool goOn() {
    if (yields_) {
      std::this_thread::yield();
    } else {
      relax();
      // The clock costs as much as several looks.
      if (++looks_ % 32 != 0) return true;
    }
    const auto now = std::chrono::steady_clock::now();
    if (!started_) {
      started_ = true;
      until_ = now + length_;
    }
    return now < until_;
  }

  void renew() { started_ = false; }

 private:
  std::chrono::nanoseconds length_;
  bool yields_;
  bool started_ = false;
  uint32_t looks_ = 0;
  std::chrono::steady_clock::time_point until_{};
};

}  // namespace kaitian
