#if defined(__linux__)

#include "core/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <thread>
#include <vector>

#include "check.h"

using namespace kaitian;
using Reason = SharedMemoryError::Reason;

namespace {

SharedMemoryAddress addressOf(const std::shared_ptr<SharedMemory>& memory, size_t bytes) {
  return {getpid(), memory->descriptor(), bytes, memory->inode()};
}

std::optional<Reason> refusal(const SharedMemoryAddress& address) {
  try {
    SharedMemory::open(address);
    return std::nullopt;
  } catch (const SharedMemoryError& error) {
    return error.reason;
  }
}

size_t openDescriptors() {
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

}  // namespace

TEST("shared memory is one memory, zeroed, under both addresses") {
  const auto made = SharedMemory::create(10'000);
  const auto opened = SharedMemory::open(addressOf(made, 10'000));
  const Region one = SharedMemory::region(made);
  const Region other = SharedMemory::region(opened);
  CHECK(one.data != other.data && other.bytes == 10'000);
  for (size_t i = 0; i < other.bytes; ++i) CHECK(other.data[i] == std::byte{0});
  one.data[9'999] = std::byte{7};
  CHECK(other.data[9'999] == std::byte{7});
}

TEST("what is not the memory that an address names is refused before it is mapped") {
  const auto memory = SharedMemory::create(4096);
  SharedMemoryAddress address = addressOf(memory, 4096);
  CHECK(!refusal(address));
  address.bytes = 4097;
  CHECK(refusal(address) == Reason::kShort);
  address = addressOf(memory, 4096);
  address.inode++;
  CHECK(refusal(address) == Reason::kForeign);
  int ends[2];
  CHECK(pipe(ends) == 0);
  FILE* const file = std::tmpfile();
  // As long as it should be, but it could shrink under who has mapped it.
  const int unsealed = memfd_create("unsealed", 0);
  CHECK(ftruncate(unsealed, 4096) == 0 && ftruncate(fileno(file), 4096) == 0);
  for (const int descriptor : {ends[0], ends[1], fileno(file), unsealed}) {
    struct stat status;
    CHECK(fstat(descriptor, &status) == 0);
    CHECK(refusal({getpid(), descriptor, 4096, status.st_ino}) == Reason::kForeign);
  }
  std::fclose(file);
  for (const int descriptor : {ends[0], ends[1], unsealed}) close(descriptor);
}

TEST("a closed descriptor is gone, the memory is not; its number may come back as another's") {
  const auto memory = SharedMemory::create(4096);
  const SharedMemoryAddress address = addressOf(memory, 4096);
  memory->closeDescriptor();
  memory->closeDescriptor();
  CHECK(memory->descriptor() == -1);
  CHECK(refusal(address) == Reason::kGone);
  SharedMemory::region(memory).data[4095] = std::byte{1};
  const auto next = SharedMemory::create(4096);
  CHECK(next->descriptor() == address.descriptor);
  CHECK(refusal(address) == Reason::kForeign);
}

TEST("nobody can make it shorter") {
  const auto memory = SharedMemory::create(4096);
  CHECK(ftruncate(memory->descriptor(), 100) != 0 && errno == EPERM);
}

TEST("memory that the system does not have is refused, and leaves nothing") {
  const size_t before = openDescriptors();
  try {
    SharedMemory::create(size_t{1} << 52);
    CHECK(false);
  } catch (const SharedMemoryError& error) {
    CHECK(error.reason == Reason::kRefused);
  }
  const auto memory = SharedMemory::create(1);
  CHECK(refusal(addressOf(memory, 2)) == Reason::kShort);
  CHECK(openDescriptors() == before + 1);
}

TEST("a region keeps its memory while any thread holds it, and then nothing is left") {
  const size_t before = openDescriptors();
  {
    auto memory = SharedMemory::create(1 << 20);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([i, region = SharedMemory::region(memory)] {
        region.as<int>()[i] = i;
      });
    }
    memory.reset();
    for (std::thread& thread : threads) thread.join();
  }
  CHECK(openDescriptors() == before);
}

#endif
