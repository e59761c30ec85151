// The bound for ranks that share memory: n threads of one process, each sums its
// n-th part of all n buffers in one loop and writes it to all of them. There is
// nothing to announce, to agree on or to copy.
//
//   kernel <ranks>
#include <array>
#include <atomic>
#include <string>
#include <thread>

#include "request.h"

namespace {

using peers::Request;

// Spins a little, then lets others run. With more threads than cores it does so at
// once: the one that is awaited may need this one's core.
class Barrier {
 public:
  explicit Barrier(size_t parties)
      : parties_(parties), spins_(parties > std::thread::hardware_concurrency() ? 0 : 1000) {}

  void meet() {
    const uint32_t generation = generation_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == parties_) {
      arrived_.store(0, std::memory_order_relaxed);
      generation_.store(generation + 1, std::memory_order_release);
      return;
    }
    for (int turns = 0; generation_.load(std::memory_order_acquire) == generation; ++turns) {
      if (turns < spins_) {
        relax();
      } else {
        std::this_thread::yield();
      }
    }
  }

 private:
  static void relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  const size_t parties_;
  const int spins_;
  alignas(64) std::atomic<size_t> arrived_{0};
  alignas(64) std::atomic<uint32_t> generation_{0};
};

template <size_t ranks>
void sumInPlace(const std::array<float*, ranks>& buffers, size_t from, size_t to) {
  // The buffers do not overlap, which the compiler cannot know.
#pragma GCC ivdep
  for (size_t i = from; i < to; ++i) {
    float sum = buffers[0][i];
#pragma GCC unroll 8
    for (size_t rank = 1; rank < ranks; ++rank) sum += buffers[rank][i];
#pragma GCC unroll 8
    for (size_t rank = 0; rank < ranks; ++rank) buffers[rank][i] = sum;
  }
}

// Whole cache lines for each, or two threads would write to the same one.
size_t startOf(size_t rank, size_t ranks, size_t elements) {
  return rank == ranks ? elements : elements * rank / ranks / 16 * 16;
}

template <size_t ranks>
void serve() {
  std::array<peers::Buffer, ranks> owners;
  Request request;
  while (peers::readRequest(request)) {
    std::array<float*, ranks> buffers;
    for (size_t rank = 0; rank < ranks; ++rank) buffers[rank] = owners[rank].of(request.bytes);
    const size_t elements = request.elements();
    std::vector<double> times;
    std::atomic<bool> right{true};
    Barrier barrier(ranks);
    const auto work = [&](size_t rank) {
      const size_t from = startOf(rank, ranks, elements);
      const size_t to = startOf(rank + 1, ranks, elements);
      for (uint64_t call = 0; call < request.iterations; ++call) {
        peers::fill(buffers[rank], elements, rank, call);
        barrier.meet();
        const double start = peers::nowUs();
        sumInPlace<ranks>(buffers, from, to);
        barrier.meet();
        if (rank == 0) times.push_back(peers::nowUs() - start);
      }
      if (!peers::isSum(buffers[rank], elements, ranks, request.iterations - 1)) right = false;
    };
    // Threads of this request only: one that waits for the next must not take others' time.
    std::vector<std::thread> threads;
    for (size_t rank = 1; rank < ranks; ++rank) threads.emplace_back(work, rank);
    work(0);
    for (auto& thread : threads) thread.join();
    if (!right) peers::fail("wrong sum");
    peers::answer(times);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string ranks = argc == 2 ? argv[1] : "";
  peers::announce(PEERS_COMPILER);
  if (ranks == "2") {
    serve<2>();
  } else if (ranks == "3") {
    serve<3>();
  } else if (ranks == "4") {
    serve<4>();
  } else if (ranks == "8") {
    serve<8>();
  } else {
    // The loop has to know how many buffers it sums.
    peers::fail("kernel takes 2, 3, 4 or 8 ranks");
  }
}
