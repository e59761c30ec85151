#pragma once

#include <string.h>

#include <cstddef>
#include <cstdint>

// For the units that are compiled for one instruction set: they define
// KAITIAN_VECTOR_BYTES, and KAITIAN_F16C as 1 where the processor converts F16
// (the compiler's own macros do not follow a pragma), else as 0.
//
// Everything here and in what builds on it has internal linkage, and calls no
// template or inline function of the standard library: one that is not inlined
// would be shared by all units, and the linker might keep the copy that needs
// the newest processor.

namespace kaitian {
namespace {

constexpr size_t kVectorBytes = KAITIAN_VECTOR_BYTES;

template <typename T>
struct VectorOf {
  typedef T Type __attribute__((vector_size(kVectorBytes)));
};

template <typename T>
using Lanes = typename VectorOf<T>::Type;

using Floats = Lanes<float>;
using Doubles = Lanes<double>;
// Bits of floats.
using Words = Lanes<uint32_t>;
// Signed, as SSE2 and AVX2 compare no unsigned integers.
using Signed = Lanes<int32_t>;

// Two vectors, the unit of work: what one vector of 16-bit floats widens to.
template <typename V>
struct Pair {
  V low;
  V high;
};

// A vector at any address. A typedef's alignment would get lost on its way
// through templates; memcpy of 16 bytes goes through general registers.
template <typename V>
struct __attribute__((packed, may_alias)) Anywhere {
  V lanes;
};

template <typename V>
inline V loadLanes(const std::byte* from) {
  return reinterpret_cast<const Anywhere<V>*>(from)->lanes;
}

template <typename V>
inline void storeLanes(std::byte* into, V lanes) {
  reinterpret_cast<Anywhere<V>*>(into)->lanes = lanes;
}

// A mask has all bits of a lane set, or none.
template <typename Mask, typename V>
inline V select(Mask mask, V yes, V no) {
  return (V)(((Mask)yes & mask) | ((Mask)no & ~mask));
}

// One NaN for all: payloads otherwise depend on the order of operands, which
// compilers swap, and on the processor's own NaN.
inline Floats oneNaN(Floats value) {
  constexpr uint32_t kNaN = 0x7fc00000;
  return (Floats)(value == value ? (Words)value : Words{} + kNaN);
}

inline Doubles oneNaN(Doubles value) {
  using Bits = Lanes<uint64_t>;
  constexpr uint64_t kNaN = 0x7ff8000000000000;
  return (Doubles)(value == value ? (Bits)value : Bits{} + kNaN);
}

}  // namespace
}  // namespace kaitian
