#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "../bell.h"

namespace kaitian {

// A piece of memory on its way to other groups. Dropping the last reference
// returns it to its pool, which may be gone.
class StagingSlot {
 public:
  StagingSlot(std::byte* data, size_t bytes) : data_(data), bytes_(bytes) {}
  std::span<std::byte> first(size_t bytes) const { return {data_, bytes}; }
  size_t size() const { return bytes_; }

 private:
  std::byte* data_;
  size_t bytes_;
};

// A bounded number of slots (B3): what has been produced and not yet received
// by everybody is at most this much.
class StagingPool : public std::enable_shared_from_this<StagingPool> {
 public:
  StagingPool(size_t slots, size_t bytes) : left_(slots), bytes_(bytes) {}
  ~StagingPool();

  // Null when all are out.
  std::shared_ptr<StagingSlot> tryTake();
  // Rings when one came back.
  Bell& bell() { return bell_; }

 private:
  void giveBack(std::byte* data);

  std::mutex mutex_;  // guards what follows
  size_t left_;       // not allocated yet
  std::vector<std::byte*> free_;

  const size_t bytes_;
  Bell bell_;
};

}  // namespace kaitian
