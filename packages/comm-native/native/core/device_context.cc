#include "device_context.h"

#include <utility>

namespace kaitian {

bool DeviceContext::add(const std::string& name, Region region) {
  const std::lock_guard lock(mutex_);
  return regions_.try_emplace(name, std::move(region)).second;
}

void DeviceContext::release() {
  std::map<std::string, Region> released;
  {
    const std::lock_guard lock(mutex_);
    released.swap(regions_);
  }
  // Pins go here, outside the lock: freeing memory may run foreign code.
}

}  // namespace kaitian
