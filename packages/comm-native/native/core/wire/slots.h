#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "link.h"

namespace kaitian::wire {

// The memory that chunks are received into: `window` slots of each flow, and no
// more, whatever the peer does. Allocated on first use and kept: a link that
// carries small chunks or few never holds its whole share.
//
// Outlives its link for as long as a chunk of it is held.
class Slots : public std::enable_shared_from_this<Slots> {
 public:
  using Counts = std::array<uint64_t, kFlows>;

  // `consumed` is called, on whichever thread lets go of a chunk, after each one.
  Slots(size_t slotBytes, size_t window, std::function<void()> consumed);
  ~Slots();
  Slots(const Slots&) = delete;

  size_t slotBytes() const { return slotBytes_; }

  // Whether the peer has credit for a chunk of this flow.
  bool free(Flow flow) const;
  // A slot to read into; becomes a chunk's with hold(), or goes back.
  std::byte* take();
  void giveBack(std::byte* slot);
  // The slot's chunk is complete. It is consumed when the pin is dropped.
  Pin hold(std::byte* slot, Flow flow);
  // Counts a chunk that was not kept.
  void skip(Flow flow);

  // Chunks consumed so far.
  Counts consumed() const;
  size_t peakBytes() const;

 private:
  void release(std::byte* slot, Flow flow);

  const size_t slotBytes_;
  const size_t window_;
  const std::function<void()> onConsumed_;
  mutable std::mutex mutex_;
  // Last in, first out: its memory is the likeliest to be in the cache.
  std::vector<std::byte*> free_;
  size_t allocated_ = 0;
  std::array<size_t, kFlows> held_{};
  Counts consumed_{};
};

}  // namespace kaitian::wire
