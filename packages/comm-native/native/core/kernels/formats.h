#pragma once

#include "half.h"
#include "lanes.h"

// How elements lie in memory, and as what they are accumulated. A format reads
// a pair of accumulators, encodes one for writing, and writes what it encoded.
// An In and an Out go together when their pairs hold elements in one order.

namespace kaitian {
namespace {

// Floats and integers that are accumulated as what they are.
template <typename T>
struct Plain {
  using Vector = Lanes<T>;
  using Stored = Pair<Vector>;
  static constexpr size_t kWidth = sizeof(T);
  static constexpr size_t kElements = 2 * kVectorBytes / kWidth;

  static inline Pair<Vector> read(const std::byte* from) {
    return {loadLanes<Vector>(from), loadLanes<Vector>(from + kVectorBytes)};
  }
  static inline void write(std::byte* into, Stored stored) {
    storeLanes(into, stored.low);
    storeLanes(into + kVectorBytes, stored.high);
  }
};

// Compared is signed where the integers are; sums wrap, so are unsigned.
template <typename Unsigned, typename Element>
struct Integer : Plain<Unsigned> {
  using Compared = Lanes<Element>;
  static inline Pair<Lanes<Unsigned>> encode(Pair<Lanes<Unsigned>> value) { return value; }
};

template <typename T>
struct Float : Plain<T> {
  static inline Pair<Lanes<T>> encode(Pair<Lanes<T>> value) {
    return {oneNaN(value.low), oneNaN(value.high)};
  }
};

// 16-bit floats that are taken as the two halves of 32-bit words, one vector of
// which is a pair of fp32: no shuffles. Elements with an even index are in `low`.
struct InWords {
  using Vector = Floats;
  using Stored = Words;
  static constexpr size_t kWidth = 2;
  static constexpr size_t kElements = kVectorBytes / kWidth;
  static constexpr uint32_t kUpper = 0xffff0000;

  static inline Words load(const std::byte* from) { return loadLanes<Words>(from); }
  static inline void write(std::byte* into, Words stored) { storeLanes(into, stored); }
};

struct Bf16 : InWords {
  static inline Pair<Floats> read(const std::byte* from) {
    const Words words = load(from);
    return {(Floats)(words << 16), (Floats)(words & kUpper)};
  }
  static inline Words encode(Pair<Floats> value) {
    return (roundToBf16(value.low) >> 16) | (roundToBf16(value.high) & kUpper);
  }
};

// 16-bit floats in the order of Float<float>.
template <Floats widen(Halves), Halves narrow(Floats)>
struct InOrder {
  using Vector = Floats;
  using Stored = Pair<Halves>;
  static constexpr size_t kWidth = 2;
  static constexpr size_t kElements = kVectorBytes / kWidth;

  static inline Pair<Floats> read(const std::byte* from) {
    return {widen(loadLanes<Halves>(from)), widen(loadLanes<Halves>(from + sizeof(Halves)))};
  }
  static inline Stored encode(Pair<Floats> value) {
    return {narrow(value.low), narrow(value.high)};
  }
  static inline void write(std::byte* into, Stored stored) {
    storeLanes(into, stored.low);
    storeLanes(into + sizeof(Halves), stored.high);
  }
};

// Converts from or to Float<float>.
using Bf16InOrder = InOrder<widenBf16, narrowToBf16>;

#if KAITIAN_F16C

using F16 = InOrder<widenF16, narrowToF16>;

#else

struct F16 : InWords {
  static inline Pair<Floats> read(const std::byte* from) {
    const Words words = load(from);
    return {widenF16(words & 0xffff), widenF16(words >> 16)};
  }
  static inline Words encode(Pair<Floats> value) {
    return narrowToF16(value.low) | (narrowToF16(value.high) << 16);
  }
};

#endif

}  // namespace
}  // namespace kaitian
