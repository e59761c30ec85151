#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "region.h"

namespace kaitian {

// Where another process finds shared memory. Numbers of file descriptors are
// used again; the inode tells whether this one still means the same memory.
struct SharedMemoryAddress {
  int64_t pid;
  int64_t descriptor;
  size_t bytes;
  uint64_t inode;
};

class SharedMemoryError : public std::runtime_error {
 public:
  enum class Reason {
    kUnsupported,  // not on this system
    kRefused,      // memory, descriptors or mappings are used up
    kGone,         // the process ended, or closed it
    kDenied,       // the process is another user's
    kForeign,      // something else than the memory that the address names
    kShort,        // fewer bytes than the address says
  };

  SharedMemoryError(Reason why, const std::string& what) : std::runtime_error(what), reason(why) {}

  const Reason reason;
};

// Zeroed memory that other processes of this user can map too, as long as its
// descriptor is open here: /proc/<pid>/fd/<descriptor>. It cannot shrink, or
// who has mapped it would be killed by its next access. Linux only.
class SharedMemory {
 public:
  // Both throw SharedMemoryError.
  static std::shared_ptr<SharedMemory> create(size_t bytes);
  static std::shared_ptr<SharedMemory> open(const SharedMemoryAddress& address);

  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  // Nobody can open it by this process any more; the memory stays. Idempotent.
  void closeDescriptor();

  // −1 once it was closed.
  int descriptor() const { return descriptor_; }
  uint64_t inode() const { return inode_; }

  // The whole memory; its pin is this object.
  static Region region(const std::shared_ptr<SharedMemory>& memory) {
    return {memory->data_, memory->bytes_, memory};
  }

 private:
  // Owns the descriptor from here on, also when mapping fails.
  SharedMemory(int descriptor, size_t bytes) : descriptor_(descriptor), bytes_(bytes) {}
  void map();

  std::atomic<int> descriptor_;
  size_t bytes_;
  uint64_t inode_ = 0;
  std::byte* data_ = nullptr;
};

}  // namespace kaitian
