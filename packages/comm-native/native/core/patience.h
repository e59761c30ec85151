#pragma once

#include <chrono>
#include <cstdint>
#include <thread>

#include "relax.h"

namespace kaitian {

// How long a thread waits in place for others before it lets go: a wake from
// sleep costs 25–50 µs, so a short wait is cheaper awake. After some
// microseconds it yields between looks, or with more threads than processors at
// once, because those waited for may need this one's processor.
class Patience {
 public:
  Patience(std::chrono::nanoseconds length, bool yields) : length_(length), yields_(yields) {}

  // Once more around the loop?
  bool goOn() {
    if (!yields_ && ++looks_ < kSpins) {
      relax();
      return true;
    }
    std::this_thread::yield();
    const auto now = std::chrono::steady_clock::now();
    if (!started_) {
      started_ = true;
      until_ = now + length_;
    }
    return now < until_;
  }

  void renew() {
    started_ = false;
    looks_ = 0;
  }

 private:
  // A look takes some 30 ns, most of it the pause.
  static constexpr uint32_t kSpins = 300;

  std::chrono::nanoseconds length_;
  bool yields_;
  bool started_ = false;
  uint32_t looks_ = 0;
  std::chrono::steady_clock::time_point until_{};
};

}  // namespace kaitian
