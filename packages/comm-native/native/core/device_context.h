#pragma once

#include <map>
#include <mutex>
#include <string>

#include "region.h"

namespace kaitian {

// The memory that a device owns, by name, pinned until it is released or the
// context is. Safe to call from any thread.
class DeviceContext {
 public:
  // False when the name is taken.
  bool add(const std::string& name, Region region);

  // Unpins everything.
  void release();

 private:
  std::mutex mutex_;
  std::map<std::string, Region> regions_;
};

}  // namespace kaitian
