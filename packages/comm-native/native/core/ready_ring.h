#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "signature.h"

namespace kaitian {

// The operations that one rank has marked ready and that have not run yet, in
// the order of marking. One thread marks (the rank's), one takes (the
// communicator's).
class ReadyRing {
 public:
  static constexpr size_t kCapacity = 256;

  // False when the rank is kCapacity operations ahead.
  bool mark(const Signature& signature) {
    const uint64_t marked = marked_.load(std::memory_order_relaxed);
    if (marked - taken_.load(std::memory_order_acquire) >= kCapacity) return false;
    slots_[marked % kCapacity] = signature;
    // Publishes the slot, and everything the rank wrote to its region before.
    marked_.store(marked + 1, std::memory_order_release);
    return true;
  }

  bool empty() const {
    return marked_.load(std::memory_order_acquire) == taken_.load(std::memory_order_relaxed);
  }

  // Only when not empty.
  Signature take() {
    const uint64_t taken = taken_.load(std::memory_order_relaxed);
    const Signature signature = slots_[taken % kCapacity];
    taken_.store(taken + 1, std::memory_order_release);
    return signature;
  }

 private:
  std::array<Signature, kCapacity> slots_;
  std::atomic<uint64_t> marked_{0};
  std::atomic<uint64_t> taken_{0};
};

}  // namespace kaitian
