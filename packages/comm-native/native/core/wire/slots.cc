#include "slots.h"

#include <new>

namespace kaitian::wire {
namespace {

// That of a cache line and of the widest vector registers.
constexpr std::align_val_t kAlignment{64};

size_t at(Flow flow) { return static_cast<size_t>(flow); }

}  // namespace

Slots::Slots(size_t slotBytes, size_t window, std::function<void()> consumed)
    : slotBytes_(slotBytes), window_(window), onConsumed_(std::move(consumed)) {}

Slots::~Slots() {
  for (std::byte* slot : free_) ::operator delete[](slot, kAlignment);
}

bool Slots::free(Flow flow) const {
  const std::lock_guard lock(mutex_);
  return held_[at(flow)] < window_;
}

std::byte* Slots::take() {
  const std::lock_guard lock(mutex_);
  if (free_.empty()) {
    // Room for all first: giving back must not fail for want of memory.
    free_.reserve(allocated_ + 1);
    auto* slot = static_cast<std::byte*>(::operator new[](slotBytes_, kAlignment));
    ++allocated_;
    return slot;
  }
  std::byte* const slot = free_.back();
  free_.pop_back();
  return slot;
}

void Slots::giveBack(std::byte* slot) {
  const std::lock_guard lock(mutex_);
  free_.push_back(slot);
}

Pin Slots::hold(std::byte* slot, Flow flow) {
  {
    const std::lock_guard lock(mutex_);
    ++held_[at(flow)];
  }
  return Pin(slot, [self = shared_from_this(), flow](std::byte* held) {
    self->release(held, flow);
  });
}

void Slots::release(std::byte* slot, Flow flow) {
  {
    const std::lock_guard lock(mutex_);
    free_.push_back(slot);
    --held_[at(flow)];
    ++consumed_[at(flow)];
  }
  onConsumed_();
}

void Slots::skip(Flow flow) {
  {
    const std::lock_guard lock(mutex_);
    ++consumed_[at(flow)];
  }
  onConsumed_();
}

Slots::Counts Slots::consumed() const {
  const std::lock_guard lock(mutex_);
  return consumed_;
}

size_t Slots::peakBytes() const {
  const std::lock_guard lock(mutex_);
  return allocated_ * slotBytes_;
}

}  // namespace kaitian::wire
