#include <cfenv>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "check.h"
#include "core/kernels/combine.h"
#include "core/kernels/dequantise.h"
#include "core/kernels/quantise.h"
#include "core/kernels/sgd.h"

using namespace kaitian;

namespace {

// The references go one element at a time through volatile, so that nothing is
// fused, reordered or vectorised.
float rounded(double value) {
  volatile float single = static_cast<float>(value);
  return single;
}

bool sameBits(float one, float other) { return std::memcmp(&one, &other, sizeof(one)) == 0; }

template <typename T>
void sum(DType dtype, std::span<T* const> outputs, std::span<const T* const> parts, size_t count) {
  std::vector<std::byte*> into;
  std::vector<const std::byte*> from;
  for (T* const output : outputs) into.push_back(reinterpret_cast<std::byte*>(output));
  for (const T* const part : parts) from.push_back(reinterpret_cast<const std::byte*>(part));
  combine({Op::Sum, dtype, dtype, 0}, into, from, count);
}

constexpr size_t kLengths[] = {0, 1, 3, 17, 2048, 2049, 10007};

}  // namespace

TEST("sum of f32 parts in order, into one of them") {
  std::mt19937_64 random(1);
  std::normal_distribution<float> normal;
  for (const size_t length : kLengths) {
    std::vector<std::vector<float>> parts(3, std::vector<float>(length));
    for (auto& part : parts) {
      for (float& value : part) value = normal(random) * std::ldexp(1.0f, random() % 40);
    }
    std::vector<float> expected(length);
    for (size_t i = 0; i < length; ++i) {
      expected[i] = rounded(rounded(double(parts[0][i]) + parts[1][i]) + double(parts[2][i]));
    }
    const float* inputs[] = {parts[0].data(), parts[1].data(), parts[2].data()};
    std::vector<float> other(length);
    float* outputs[] = {parts[2].data(), other.data()};
    sum<float>(DType::F32, outputs, inputs, length);
    CHECK(parts[2] == expected);
    CHECK(other == expected);
  }
}

TEST("C1 sum of i64 parts wraps") {
  const int64_t largest = std::numeric_limits<int64_t>::max();
  int64_t one[] = {largest, -5, 0};
  const int64_t two[] = {2, 3, -1};
  const int64_t* inputs[] = {one, two};
  int64_t* outputs[] = {one};
  sum<int64_t>(DType::I64, outputs, inputs, 3);
  CHECK(one[0] == std::numeric_limits<int64_t>::min() + 1);
  CHECK(one[1] == -2 && one[2] == -1);
}

TEST("quantise rounds to nearest, ties to even, like nearbyint") {
  std::mt19937_64 random(2);
  for (const size_t length : kLengths) {
    std::vector<float> values(length);
    for (float& value : values) {
      const uint32_t bits = static_cast<uint32_t>(random());
      std::memcpy(&value, &bits, sizeof(value));
      if (!std::isfinite(value) || std::fabs(value) > 0x1p40f) value = random() % 64 * 0.25f;
      if (random() % 2) value = -value;
    }
    std::vector<int64_t> sums(length, -7);
    const double largest = quantise(sums.data(), values.data(), length, 1);
    double expectedLargest = 0;
    for (size_t i = 0; i < length; ++i) {
      CHECK(sums[i] == -7 + static_cast<int64_t>(std::nearbyint(double(values[i]) * 2)));
      expectedLargest = std::fmax(expectedLargest, std::fabs(values[i]));
    }
    CHECK(largest == expectedLargest);
  }
}

TEST("quantise accepts 2^52 and refuses more, infinity and NaN") {
  int64_t total = 0;
  const float limit[] = {-0x1p52f};
  CHECK(quantise(&total, limit, 1, 0) == 0x1p52);
  CHECK(total == -(int64_t{1} << 52));
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {0x1.000002p52f, infinity, -infinity, std::nanf("")}) {
    CHECK(std::isnan(quantise(&total, &bad, 1, 0)));
  }
}

TEST("dequantise rounds once, also beyond 2^53 and into denormals") {
  std::mt19937_64 random(3);
  std::vector<int64_t> sums;
  for (int i = 0; i < 20000; ++i) sums.push_back(static_cast<int64_t>(random()) >> (random() % 60));
  // Just past the middle between two floats: rounding to double first would tie.
  for (const int64_t tie : {(int64_t{1} << 62) + (int64_t{1} << 38) + 1}) {
    sums.push_back(tie);
    sums.push_back(-tie);
  }
  for (const int exponent : {0, 10, -30, 150, 190}) {
    std::vector<float> into(sums.size());
    dequantise(into.data(), sums.data(), sums.size(), exponent);
    for (size_t i = 0; i < sums.size(); ++i) {
      // An 80-bit long double holds every int64 exactly.
      const long double exact = std::ldexp(static_cast<long double>(sums[i]), -exponent);
      CHECK(sameBits(into[i], static_cast<float>(exact)));
    }
  }
}

TEST("sgd rounds every operation to fp32") {
  std::mt19937_64 random(4);
  std::normal_distribution<float> normal;
  for (const size_t length : kLengths) {
    std::vector<float> w(length), v(length), sums(length), nextW(length), nextV(length);
    for (auto* part : {&w, &v, &sums}) {
      for (float& value : *part) value = normal(random);
    }
    const Digest digest = sgd({w.data(), v.data(), sums.data(), nextW.data(), nextV.data(), length,
                               48, 0.1f, 0.9f, 5e-4f});
    const Digest again = digestOf(nextW.data(), nextV.data(), length, 0);
    CHECK(digest.sums == again.sums && digest.notFinite == 0);
    for (size_t i = 0; i < length; ++i) {
      const float mean = rounded(double(sums[i]) / 48);
      const float gradient = rounded(mean + double(rounded(5e-4f * double(w[i]))));
      const float velocity = rounded(double(rounded(0.9f * double(v[i]))) + gradient);
      CHECK(sameBits(nextV[i], velocity));
      CHECK(sameBits(nextW[i], rounded(w[i] - double(rounded(0.1f * double(velocity))))));
    }
  }
}
