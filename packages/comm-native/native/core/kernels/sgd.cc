#include "sgd.h"

#include <algorithm>
#include <system_error>
#include <thread>
#include <vector>

#include "../float_environment.h"
#include "../native_thread.h"
#include "../vectorise.h"

namespace kaitian {
namespace {

// Five arrays of so many floats lie in the smallest cache side by side.
constexpr size_t kBlock = 1024;
// Elements for which a thread of their own is started: it costs as much as some ten thousand.
constexpr size_t kShare = size_t{1} << 19;
// More threads would wait for the same memory.
constexpr size_t kMostThreads = 4;

KAITIAN_VECTORISED
void sgdBlock(const SgdStep& given) {
  // A copy: writes through float pointers could alias the argument's floats.
  const SgdStep step = given;
  KAITIAN_INDEPENDENT
  for (size_t i = 0; i < step.size; ++i) {
    const float weight = step.weights[i];
    const float gradient = step.sum[i] / step.count + step.weightDecay * weight;
    const float velocity = step.momentum * step.velocity[i] + gradient;
    step.nextVelocity[i] = velocity;
    step.nextWeights[i] = weight - step.learningRate * velocity;
  }
}

SgdStep partOf(SgdStep step, size_t first, size_t size) {
  step.weights += first;
  step.velocity += first;
  step.sum += first;
  step.nextWeights += first;
  step.nextVelocity += first;
  step.size = size;
  return step;
}

Digest sgdRange(const SgdStep& step, size_t first, size_t end) {
  const DefaultFloatEnvironment environment;
  Digest digest;
  for (size_t at = first; at < end; at += kBlock) {
    const SgdStep block = partOf(step, at, std::min(kBlock, end - at));
    sgdBlock(block);
    digest.add(digestOf(block.nextWeights, block.nextVelocity, block.size, at));
  }
  return digest;
}

}  // namespace

Digest sgd(const SgdStep& step) {
  // To ask the system each time would take longer than a small step.
  static const size_t processors = std::max(1u, std::thread::hardware_concurrency());
  const size_t shares = std::min({step.size / kShare, kMostThreads, processors});
  if (shares <= 1) return sgdRange(step, 0, step.size);
  const auto cut = [&](size_t share) { return step.size / kBlock * share / shares * kBlock; };
  std::vector<Digest> digests(shares);
  std::vector<std::thread> threads;
  const auto work = [&](size_t share, size_t end) { digests[share] = sgdRange(step, cut(share), end); };
  for (size_t share = 1; share < shares; ++share) {
    const size_t end = share + 1 == shares ? step.size : cut(share + 1);
    try {
      threads.emplace_back([&work, share, end] {
        blockSignals();
        work(share, end);
      });
    } catch (const std::system_error&) {
      work(share, end);  // The system gives no more threads.
    }
  }
  work(0, cut(1));
  for (std::thread& thread : threads) thread.join();
  Digest whole;
  for (const Digest& digest : digests) whole.add(digest);
  return whole;
}

}  // namespace kaitian
