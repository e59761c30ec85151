#include "allreduce.h"

#include <algorithm>
#include <vector>

#include "kernels/sum.h"

namespace kaitian {
namespace {

// Elements between two looks at the abort word: some tens of microseconds.
constexpr uint64_t kChunk = 1 << 16;

template <typename T>
bool sumInPlace(std::span<const Region> ranks, const Signature& signature,
                const std::atomic<bool>& aborted) {
  std::vector<T*> outputs(ranks.size());
  std::vector<const T*> parts(ranks.size());
  for (uint64_t done = 0; done < signature.count; done += kChunk) {
    if (aborted.load(std::memory_order_acquire)) return false;
    const uint64_t from = signature.offset + done;
    for (size_t rank = 0; rank < ranks.size(); ++rank) {
      parts[rank] = outputs[rank] = ranks[rank].as<T>() + from;
    }
    sum(outputs, parts, std::min(kChunk, signature.count - done));
  }
  return true;
}

}  // namespace

bool allreduce(std::span<const Region> ranks, const Signature& signature,
               const std::atomic<bool>& aborted) {
  switch (signature.dtype) {
    case DType::F32:
      return sumInPlace<float>(ranks, signature, aborted);
    case DType::I64:
      return sumInPlace<int64_t>(ranks, signature, aborted);
    default:
      return false;
  }
}

}  // namespace kaitian
