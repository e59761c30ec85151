#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace kaitian {

// What a state is known by. Sums, modulo 2^64, of one product for each element, so that parts of a
// state add up in any order; and how many of its elements are not finite.
struct Digest {
  std::array<uint64_t, 2> sums{};
  uint64_t notFinite = 0;

  void add(const Digest& other);
};

// Of elements `first` and on: with s and v the bits of an element's state and velocity (0 where
// there is none) and n = index + 1, each sum adds (s + n·A mod 2^32) · (v + n·B mod 2^32), with odd
// constants A and B of its own. That is NH (Black, Halevi, Krawczyk, Krovetz, Rogaway: UMAC,
// doi:10.1007/3-540-48405-1_14), whose keys count on from element to element: an accident that
// changes any bits goes unseen once in 2^64, who wants to deceive is not kept from it.
Digest digestOf(const float* state, const float* velocity, size_t size, uint64_t first);

}  // namespace kaitian
