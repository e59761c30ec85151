#pragma once

#include <cstddef>
#include <memory>

namespace kaitian {

// Whatever must stay alive for memory to stay valid. The core neither knows
// nor cares what it is; for a SharedArrayBuffer it is V8's backing store, which
// outlives the worker thread that allocated it for as long as this is held.
using Pin = std::shared_ptr<void>;

// A contiguous piece of a device's memory, pinned while this object lives.
struct Region {
  std::byte* data = nullptr;
  size_t bytes = 0;
  Pin pin;

  template <typename T>
  T* as() const {
    return reinterpret_cast<T*>(data);
  }

  bool overlaps(const Region& other) const {
    return data < other.data + other.bytes && other.data < data + bytes;
  }
};

}  // namespace kaitian
