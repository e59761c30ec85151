#include "shared_memory.h"

#include <cerrno>
#include <cstring>

#if defined(__linux__)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace kaitian {

using Reason = SharedMemoryError::Reason;

#if defined(__linux__)

namespace {

SharedMemoryError systemError(Reason fallback) {
  const int error = errno;
  const bool gone = error == ENOENT || error == ESRCH || error == ENXIO;
  const bool denied = error == EACCES || error == EPERM;
  const Reason reason = gone ? Reason::kGone : denied ? Reason::kDenied : fallback;
  return {reason, std::strerror(error)};
}

struct stat statusOf(int descriptor) {
  struct stat status;
  if (fstat(descriptor, &status) != 0) throw systemError(Reason::kRefused);
  return status;
}

// Opening something that is no plain file could do something, so look first.
int openPlainFile(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) throw systemError(Reason::kRefused);
  if (!S_ISREG(status.st_mode)) throw SharedMemoryError(Reason::kForeign, "no memory");
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) throw systemError(Reason::kRefused);
  return descriptor;
}

}  // namespace

std::shared_ptr<SharedMemory> SharedMemory::create(size_t bytes) {
  const int descriptor = memfd_create("kaitian", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (descriptor < 0) throw systemError(Reason::kRefused);
  const std::shared_ptr<SharedMemory> memory(new SharedMemory(descriptor, bytes));
  if (ftruncate(descriptor, static_cast<off_t>(bytes)) != 0 ||
      fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    throw SharedMemoryError(Reason::kRefused, std::strerror(errno));
  }
  memory->inode_ = statusOf(descriptor).st_ino;
  memory->map();
  return memory;
}

std::shared_ptr<SharedMemory> SharedMemory::open(const SharedMemoryAddress& address) {
  const int descriptor = openPlainFile("/proc/" + std::to_string(address.pid) + "/fd/" +
                                       std::to_string(address.descriptor));
  const std::shared_ptr<SharedMemory> memory(new SharedMemory(descriptor, address.bytes));
  const struct stat status = statusOf(descriptor);
  // Fails on whatever is no memfd.
  const int seals = fcntl(descriptor, F_GET_SEALS);
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || status.st_ino != address.inode) {
    throw SharedMemoryError(Reason::kForeign, "other memory");
  }
  if (static_cast<uint64_t>(status.st_size) < address.bytes) {
    throw SharedMemoryError(Reason::kShort, std::to_string(status.st_size) + " bytes");
  }
  memory->inode_ = status.st_ino;
  memory->map();
  return memory;
}

void SharedMemory::map() {
  void* const data = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
  if (data == MAP_FAILED) throw SharedMemoryError(Reason::kRefused, std::strerror(errno));
  data_ = static_cast<std::byte*>(data);
}

SharedMemory::~SharedMemory() {
  if (data_ != nullptr) munmap(data_, bytes_);
  closeDescriptor();
}

void SharedMemory::closeDescriptor() {
  const int descriptor = descriptor_.exchange(-1);
  if (descriptor >= 0) ::close(descriptor);
}

#else

std::shared_ptr<SharedMemory> SharedMemory::create(size_t) {
  throw SharedMemoryError(Reason::kUnsupported, "it needs Linux");
}

std::shared_ptr<SharedMemory> SharedMemory::open(const SharedMemoryAddress&) {
  throw SharedMemoryError(Reason::kUnsupported, "it needs Linux");
}

void SharedMemory::map() {}

SharedMemory::~SharedMemory() = default;

void SharedMemory::closeDescriptor() {}

#endif

}  // namespace kaitian
