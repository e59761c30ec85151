#include "signature.h"

#include <algorithm>

namespace kaitian {

std::optional<Mismatch> compare(const Signature& issued, std::span<const Signature> marked) {
  if (std::ranges::all_of(marked, [&](const Signature& one) { return one == issued; })) {
    return std::nullopt;
  }
  std::vector<Signature> all{issued};
  all.insert(all.end(), marked.begin(), marked.end());
  const auto holders = [&](const Signature& one) { return std::ranges::count(all, one); };
  // max_element returns the first of the largest: the leader's stands at 0.
  const Signature expected = *std::ranges::max_element(all, {}, holders);

  Mismatch mismatch{issued.sequence, expected, {}};
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i] != expected) mismatch.differing.push_back({static_cast<int>(i) + kLeader, all[i]});
  }
  return mismatch;
}

}  // namespace kaitian
