#include "combine_reference.h"

#include "check.h"

// Every 16-bit float, and what rounds to one.

namespace {

constexpr uint32_t kAll = 65536;

template <typename T>
std::vector<T> combined(Level level, const Reduction& reduction, size_t count,
                        std::vector<const void*> parts) {
  std::vector<T> result(count);
  std::vector<const std::byte*> inputs;
  for (const void* part : parts) inputs.push_back(static_cast<const std::byte*>(part));
  std::byte* outputs[] = {reinterpret_cast<std::byte*>(result.data())};
  combineWith(level, reduction, outputs, inputs, count);
  return result;
}

std::vector<uint16_t> all() {
  std::vector<uint16_t> values(kAll);
  for (uint32_t bits = 0; bits < kAll; ++bits) values[bits] = static_cast<uint16_t>(bits);
  return values;
}

uint16_t narrow(DType dtype, double value) { return static_cast<uint16_t>(encode(dtype, value)); }

}  // namespace

TEST("every f16 and bf16 survives fp32, and every NaN is the same one") {
  const std::vector<uint16_t> values = all();
  // Adding −0 changes nothing, not even a zero's sign.
  const std::vector<uint16_t> nothing(kAll, 0x8000);
  for (const Level level : availableLevels()) {
    for (const DType dtype : {DType::F16, DType::BF16}) {
      const Reduction sum{Op::Sum, dtype, dtype, 0};
      const auto sums = combined<uint16_t>(level, sum, kAll, {values.data(), nothing.data()});
      for (uint32_t bits = 0; bits < kAll; ++bits) {
        const bool isNaN = std::isnan(decode(dtype, bits));
        CHECK(sums[bits] == (isNaN ? shapeOf(dtype).nan : bits));
      }
    }
  }
}

TEST("every bf16 becomes the fp32 that it is the upper half of, and comes back") {
  const std::vector<uint16_t> values = all();
  for (const Level level : availableLevels()) {
    const Reduction widen{Op::Sum, DType::BF16, DType::F32, 0};
    const Reduction back{Op::Sum, DType::F32, DType::BF16, 0};
    const auto wide = combined<uint32_t>(level, widen, kAll, {values.data()});
    const auto again = combined<uint16_t>(level, back, kAll, {wide.data()});
    for (uint32_t bits = 0; bits < kAll; ++bits) {
      const bool isNaN = std::isnan(decode(DType::BF16, bits));
      CHECK(wide[bits] == (isNaN ? 0x7fc00000 : bits << 16));
      CHECK(again[bits] == (isNaN ? 0x7fc0 : bits));
    }
  }
}

TEST("fp32 rounds to bf16 to nearest, ties to even, around every bf16 and anywhere") {
  std::mt19937_64 random(1);
  std::vector<uint32_t> values;
  for (uint32_t bits = 0; bits < kAll; ++bits) {
    for (const uint32_t low : {0x7fffu, 0x8000u, 0x8001u}) values.push_back(bits << 16 | low);
    values.push_back(static_cast<uint32_t>(random()));
  }
  for (const Level level : availableLevels()) {
    const Reduction narrowing{Op::Sum, DType::F32, DType::BF16, 0};
    const auto result = combined<uint16_t>(level, narrowing, values.size(), {values.data()});
    for (size_t i = 0; i < values.size(); ++i) {
      CHECK(result[i] == narrow(DType::BF16, decode(DType::F32, values[i])));
    }
  }
}

TEST("fp32 rounds to f16 to nearest, ties to even, around every f16") {
  const std::vector<uint16_t> values = all();
  // Half a unit in the last place, where f16 has it; the least f16 breaks the tie.
  std::vector<uint16_t> halves(kAll);
  std::vector<uint16_t> least(kAll);
  for (uint32_t bits = 0; bits < kAll; ++bits) {
    const double value = decode(DType::F16, bits);
    const bool isOrdinary = std::isfinite(value) && value != 0;
    halves[bits] = isOrdinary ? narrow(DType::F16, std::ldexp(1.0, std::ilogb(value) - 11)) : 0;
    least[bits] = bits % 3 == 0 ? 0x0001 : bits % 3 == 1 ? 0x8001 : 0;
  }
  for (const Level level : availableLevels()) {
    const Reduction sum{Op::Sum, DType::F16, DType::F16, 0};
    const auto sums =
        combined<uint16_t>(level, sum, kAll, {values.data(), halves.data(), least.data()});
    for (uint32_t bits = 0; bits < kAll; ++bits) {
      CHECK(sums[bits] == referenceOf(sum, {bits, halves[bits], least[bits]}));
    }
  }
}

TEST("products of f16 round once, denormals and overflows too") {
  std::mt19937_64 random(2);
  const std::vector<uint16_t> values = all();
  const Reduction product{Op::Prod, DType::F16, DType::F16, 0};
  for (int round = 0; round < 2; ++round) {
    std::vector<uint16_t> others(kAll);
    for (uint16_t& other : others) other = static_cast<uint16_t>(random());
    std::vector<uint16_t> expected;
    for (uint32_t bits = 0; bits < kAll; ++bits) {
      expected.push_back(static_cast<uint16_t>(referenceOf(product, {bits, others[bits]})));
    }
    for (const Level level : availableLevels()) {
      CHECK(combined<uint16_t>(level, product, kAll, {values.data(), others.data()}) == expected);
    }
  }
}
