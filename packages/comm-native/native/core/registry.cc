#include "registry.h"

namespace kaitian {

Registry& Registry::process() {
  static auto* const registry = new Registry;
  return *registry;
}

uint64_t Registry::add(const std::shared_ptr<Communicator>& communicator) {
  const std::lock_guard lock(mutex_);
  communicators_.emplace(next_, communicator);
  return next_++;
}

std::shared_ptr<Communicator> Registry::find(uint64_t id) const {
  const std::lock_guard lock(mutex_);
  const auto found = communicators_.find(id);
  return found == communicators_.end() ? nullptr : found->second.lock();
}

void Registry::remove(uint64_t id) {
  const std::lock_guard lock(mutex_);
  communicators_.erase(id);
}

}  // namespace kaitian
