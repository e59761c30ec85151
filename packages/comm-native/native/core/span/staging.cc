#include "staging.h"

#include <new>

namespace kaitian {
namespace {

constexpr std::align_val_t kAlignment{64};

}  // namespace

StagingPool::~StagingPool() {
  for (std::byte* const data : free_) ::operator delete(data, kAlignment);
}

std::shared_ptr<StagingSlot> StagingPool::tryTake() {
  std::byte* data = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      // The last one back is the likeliest to be in the cache.
      data = free_.back();
      free_.pop_back();
    } else if (left_ > 0) {
      --left_;
    } else {
      return nullptr;
    }
  }
  if (data == nullptr) data = static_cast<std::byte*>(::operator new(bytes_, kAlignment));
  const auto giveBack = [pool = shared_from_this(), data](StagingSlot* slot) {
    delete slot;
    pool->giveBack(data);
  };
  return {new StagingSlot(data, bytes_), giveBack};
}

void StagingPool::giveBack(std::byte* data) {
  {
    const std::lock_guard lock(mutex_);
    free_.push_back(data);
  }
  bell_.ring();
}

}  // namespace kaitian
