#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "communicator.h"

namespace kaitian {

// The process's communicators by number, so that a thread can join or abort
// one it has only heard of. Owns none of them.
class Registry {
 public:
  // The process's one. Never destroyed: threads may still look something up
  // while the process exits.
  static Registry& process();

  uint64_t add(const std::shared_ptr<Communicator>& communicator);
  // Null when it was removed or is gone.
  std::shared_ptr<Communicator> find(uint64_t id) const;
  void remove(uint64_t id);

 private:
  mutable std::mutex mutex_;
  uint64_t next_ = 1;
  std::map<uint64_t, std::weak_ptr<Communicator>> communicators_;
};

}  // namespace kaitian
