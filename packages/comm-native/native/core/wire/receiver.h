#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "frame.h"
#include "slots.h"

namespace kaitian::wire {

// One direction of a link as its receiver sees it: numbers, credits and slots.
// Of one thread, but for received() and drop(). All that throws throws WireError.
class Receiver {
 public:
  explicit Receiver(std::shared_ptr<Slots> slots) : slots_(std::move(slots)) {}

  // Frames that came in order, over all connections.
  uint64_t received() const { return received_.load(std::memory_order_acquire); }
  // Any thread: chunks of generations up to this one are not to be delivered.
  void drop(uint64_t generation);

  // A new connection begins, which may repeat frames: the peer resends what was
  // missing when it was asked, and more may have come since on the old one.
  void attach();
  // The connection is over, perhaps in the middle of a chunk.
  void abandon();

  // Where a chunk's payload goes; null when nobody wants it.
  std::byte* place(const ChunkFrame& chunk, size_t bytes);
  // A chunk's payload is complete. None when nobody wants it.
  std::optional<Received> complete(const ChunkFrame& chunk, std::span<const std::byte> payload);
  // Counts a numbered frame that has no payload; whether it is new.
  bool count(uint64_t number);
  void complete(const EmptyFrame& frame);

 private:
  bool repeated(uint64_t number) const;
  bool dropped(uint64_t generation) const;
  void requireCredit(Flow flow) const;
  void counted();

  const std::shared_ptr<Slots> slots_;
  std::atomic<uint64_t> received_{0};
  // Generations below this one are dropped.
  std::atomic<uint64_t> firstWanted_{0};
  bool mayRepeat_ = false;
  // The slot that is being read into.
  std::byte* slot_ = nullptr;
};

}  // namespace kaitian::wire
