// What the C++ peers share: the driver's lines, the values and their check.
//
// The driver writes {"bytes":N,"iterations":k} to standard input and reads
// {"us":[…]} from standard output: what each of k calls took. The first line of
// output is {"version":"…"}. A peer ends with its input, so none outlives the driver.
//
// One time: every rank fills its whole buffer with new values, all meet at a
// barrier, and rank 0's clock runs from the moment after the barrier until the
// call has returned on rank 0. Sums of float32, in place. Nobody leaves a barrier
// at the same moment: where rank 0 is first, the time includes the wait for the
// others; where it is last, they may have done their share before the clock runs.
// With fewer cores than ranks this is most of what a small buffer takes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#if defined(__clang__)
#define PEERS_COMPILER __VERSION__
#else
#define PEERS_COMPILER "GCC " __VERSION__
#endif

namespace peers {

struct Request {
  uint64_t bytes;
  uint64_t iterations;
  size_t elements() const { return bytes / sizeof(float); }
};

inline void announce(const char* version) {
  std::printf("{\"version\":\"%s\"}\n", version);
  std::fflush(stdout);
}

// False once the driver has closed the input.
inline bool readRequest(Request& request) {
  unsigned long long bytes = 0;
  unsigned long long iterations = 0;
  if (std::scanf(" {\"bytes\":%llu,\"iterations\":%llu}", &bytes, &iterations) != 2) return false;
  request = {bytes, iterations};
  return true;
}

inline void answer(const std::vector<double>& times) {
  std::printf("{\"us\":[");
  for (size_t i = 0; i < times.size(); ++i) std::printf(i == 0 ? "%.3f" : ",%.3f", times[i]);
  std::printf("]}\n");
  std::fflush(stdout);
}

[[noreturn]] inline void fail(const char* reason) {
  std::fprintf(stderr, "%s\n", reason);
  std::exit(1);
}

inline double nowUs() {
  using namespace std::chrono;
  return duration<double, std::micro>(steady_clock::now().time_since_epoch()).count();
}

// Whole numbers below 2^24, so that float32 sums them exactly in any order. A
// value tells its place (within 256), its rank and its call: an element that is
// shifted, left out or left over from the call before shows.
inline void fill(float* buffer, size_t elements, size_t rank, uint64_t call) {
  const int32_t base = static_cast<int32_t>(rank + call);
  for (size_t i = 0; i < elements; ++i) {
    buffer[i] = static_cast<float>(static_cast<int32_t>(i & 255) + base);
  }
}

inline bool isSum(const float* buffer, size_t elements, size_t ranks, uint64_t call) {
  for (size_t i = 0; i < elements; ++i) {
    const auto expected = ranks * ((i & 255) + call) + ranks * (ranks - 1) / 2;
    if (buffer[i] != static_cast<float>(expected)) return false;
  }
  return true;
}

// Kept from request to request while the size stays, as a trainer keeps its buffers.
class Buffer {
 public:
  float* of(uint64_t bytes) {
    if (bytes != bytes_) {
      memory_.reset();
      memory_.reset(static_cast<float*>(std::aligned_alloc(64, (bytes + 63) / 64 * 64)));
      if (!memory_) fail("out of memory");
      bytes_ = bytes;
    }
    return memory_.get();
  }

 private:
  struct Free {
    void operator()(float* memory) const { std::free(memory); }
  };
  std::unique_ptr<float, Free> memory_;
  uint64_t bytes_ = 0;
};

}  // namespace peers
