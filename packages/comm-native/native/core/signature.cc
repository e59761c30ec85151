#include "signature.h"

#include <algorithm>

namespace kaitian {

std::optional<Mismatch> compare(uint32_t lane, std::span<const Marked> marked) {
  const auto holders = [&](const Marked& one) {
    return std::ranges::count(marked, one.signature, &Marked::signature);
  };
  // max_element returns the first of the largest.
  const Signature expected = std::ranges::max_element(marked, {}, holders)->signature;
  Mismatch mismatch{lane, expected.sequence, expected, {}};
  for (const Marked& one : marked) {
    if (one.signature != expected) mismatch.differing.push_back(one);
  }
  if (mismatch.differing.empty()) return std::nullopt;
  return mismatch;
}

bool isReduction(Collective collective) {
  return collective == Collective::Allreduce || collective == Collective::Reduce ||
         collective == Collective::ReduceScatter;
}

}  // namespace kaitian
