#include "receiver.h"

#include <string>
#include <utility>

#include "wire_error.h"

namespace kaitian::wire {

void Receiver::drop(uint64_t generation) {
  // The last generation of all cannot be dropped, nor reached.
  const uint64_t wanted = generation == UINT64_MAX ? generation : generation + 1;
  uint64_t before = firstWanted_.load();
  while (before < wanted && !firstWanted_.compare_exchange_weak(before, wanted)) {
  }
}

void Receiver::attach() { mayRepeat_ = true; }

void Receiver::abandon() {
  if (slot_) slots_->giveBack(std::exchange(slot_, nullptr));
}

std::byte* Receiver::place(const ChunkFrame& chunk, size_t bytes) {
  if (bytes > slots_->slotBytes()) {
    throw malformed("a chunk of " + std::to_string(bytes) + " bytes");
  }
  if (repeated(chunk.number)) return nullptr;
  requireCredit(chunk.flow);
  if (dropped(chunk.key.generation)) return nullptr;
  slot_ = slots_->take();
  return slot_;
}

std::optional<Received> Receiver::complete(const ChunkFrame& chunk,
                                           std::span<const std::byte> payload) {
  if (repeated(chunk.number)) return std::nullopt;
  counted();
  std::byte* const slot = std::exchange(slot_, nullptr);
  if (!slot || dropped(chunk.key.generation)) {
    if (slot) slots_->giveBack(slot);
    slots_->skip(chunk.flow);
    return std::nullopt;
  }
  return Received{chunk.key, chunk.flow, payload, slots_->hold(slot, chunk.flow)};
}

bool Receiver::count(uint64_t number) {
  if (repeated(number)) return false;
  counted();
  return true;
}

void Receiver::complete(const EmptyFrame& frame) {
  if (repeated(frame.number)) return;
  requireCredit(frame.flow);
  counted();
  slots_->skip(frame.flow);
}

bool Receiver::repeated(uint64_t number) const {
  const uint64_t last = received_.load(std::memory_order_relaxed);
  if (number == last + 1) return false;
  if (number <= last && mayRepeat_) return true;
  throw malformed("frame " + std::to_string(number) + " behind frame " + std::to_string(last));
}

bool Receiver::dropped(uint64_t generation) const { return generation < firstWanted_.load(); }

void Receiver::requireCredit(Flow flow) const {
  if (!slots_->free(flow)) throw malformed("a chunk beyond the window");
}

void Receiver::counted() {
  received_.store(received_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  mayRepeat_ = false;
}

}  // namespace kaitian::wire
