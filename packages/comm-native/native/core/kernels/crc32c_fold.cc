#include "crc32c_fold.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "crc32c_tables.h"

#define KAITIAN_FOLDS __attribute__((target("avx512f,avx512vl,vpclmulqdq,sse4.2")))

namespace kaitian {
namespace {

// x^n modulo the polynomial, where a carry-less product takes it: bit 63 is x^0.
constexpr uint64_t powerOfX(size_t n) {
  uint32_t state = 0x80000000;
  for (size_t i = 0; i < n; ++i) state = crcAfterBit(state);
  return uint64_t{state} << 32;
}

// What moves 16 bytes on by `bytes`: their first half is of a degree higher by
// 64, and a product of reversed operands comes out one bit off.
template <size_t kBytes>
KAITIAN_FOLDS inline __m512i moved(__m512i value) {
  constexpr auto kFirst = static_cast<long long>(powerOfX(8 * kBytes + 64 - 1));
  constexpr auto kSecond = static_cast<long long>(powerOfX(8 * kBytes - 1));
  const __m512i powers = _mm512_set_epi64(kSecond, kFirst, kSecond, kFirst, kSecond, kFirst,
                                          kSecond, kFirst);
  return _mm512_xor_si512(_mm512_clmulepi64_epi128(value, powers, 0x00),
                          _mm512_clmulepi64_epi128(value, powers, 0x11));
}

KAITIAN_FOLDS inline __m512i load(const uint8_t* from) { return _mm512_loadu_si512(from); }

}  // namespace

bool canFoldCrc() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("sse4.2");
}

// Adds each block to the one before, moved on to its place, which leaves the
// remainder as it is (Gopal et al., "Fast CRC Computation for Generic
// Polynomials Using PCLMULQDQ Instruction", Intel, 2009): 64 bytes that have
// the CRC of all.
KAITIAN_FOLDS uint32_t foldCrc(uint32_t state, const uint8_t* data, size_t bytes) {
  __m512i first = _mm512_xor_si512(
      load(data), _mm512_zextsi128_si512(_mm_cvtsi32_si128(static_cast<int>(state))));
  __m512i second = load(data + 64);
  __m512i third = load(data + 128);
  __m512i fourth = load(data + 192);
  for (size_t at = kFoldedBytes; at < bytes; at += kFoldedBytes) {
    first = _mm512_xor_si512(moved<kFoldedBytes>(first), load(data + at));
    second = _mm512_xor_si512(moved<kFoldedBytes>(second), load(data + at + 64));
    third = _mm512_xor_si512(moved<kFoldedBytes>(third), load(data + at + 128));
    fourth = _mm512_xor_si512(moved<kFoldedBytes>(fourth), load(data + at + 192));
  }
  second = _mm512_xor_si512(moved<64>(first), second);
  third = _mm512_xor_si512(moved<64>(second), third);
  fourth = _mm512_xor_si512(moved<64>(third), fourth);
  alignas(64) uint64_t words[8];
  _mm512_store_si512(words, fourth);
  uint64_t after = 0;
  for (const uint64_t word : words) after = _mm_crc32_u64(after, word);
  return static_cast<uint32_t>(after);
}

}  // namespace kaitian

#else

namespace kaitian {

bool canFoldCrc() { return false; }
uint32_t foldCrc(uint32_t state, const uint8_t*, size_t) { return state; }

}  // namespace kaitian

#endif
