#include "combine_reference.h"

#include "check.h"

namespace {

constexpr size_t kCounts[] = {0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 127, 1000, 4097};
constexpr size_t kLargest = 4097;
constexpr std::byte kUntouched{0xa5};

enum class Placement { Apart, InPlace, Mixed };

// Memory that starts `shift` bytes behind a 64-byte boundary; what lies around
// it must stay as it is.
class Buffer {
 public:
  Buffer(size_t bytes, size_t shift) : all_(bytes + 2 * kAround, kUntouched), bytes_(bytes) {
    const auto address = reinterpret_cast<uintptr_t>(all_.data());
    from_ = (64 - address % 64) + shift;
  }
  std::byte* data() { return all_.data() + from_; }
  bool isUntouchedAround() const {
    static const Bytes untouched(2 * kAround, kUntouched);
    const size_t end = from_ + bytes_;
    return std::memcmp(all_.data(), untouched.data(), from_) == 0 &&
           std::memcmp(all_.data() + end, untouched.data(), all_.size() - end) == 0;
  }

 private:
  static constexpr size_t kAround = 128;
  Bytes all_;
  size_t bytes_;
  size_t from_;
};

struct Case {
  Reduction reduction;
  const std::vector<Bytes>& parts;
  const Bytes& expected;
};

// Every buffer has another misalignment.
std::vector<Buffer> buffersFor(size_t buffers, size_t count, size_t width, size_t shift) {
  std::vector<Buffer> result;
  for (size_t i = 0; i < buffers; ++i) {
    result.emplace_back(count * width, (shift * (i + 1) * width) % 64);
  }
  return result;
}

void check(const Case& given, Level level, Placement placement, size_t count, size_t shift) {
  const size_t width = widthOf(given.reduction.dtype);
  const size_t written = widthOf(given.reduction.output);
  std::vector<Buffer> parts = buffersFor(given.parts.size(), count, width, shift);
  std::vector<Buffer> apart = buffersFor(3, count, written, shift + 1);
  std::vector<const std::byte*> inputs;
  std::vector<std::byte*> outputs;
  for (size_t i = 0; i < parts.size(); ++i) {
    std::memcpy(parts[i].data(), given.parts[i].data(), count * width);
    inputs.push_back(parts[i].data());
    if (placement == Placement::InPlace) outputs.push_back(parts[i].data());
  }
  if (placement != Placement::InPlace) outputs.push_back(apart[0].data());
  if (placement == Placement::Mixed) {
    outputs.push_back(apart[1].data());
    outputs.push_back(width == written ? parts.back().data() : apart[2].data());
  }
  combineWith(level, given.reduction, outputs, inputs, count);
  for (const std::byte* output : outputs) {
    CHECK(std::memcmp(output, given.expected.data(), count * written) == 0);
  }
  for (const Buffer& buffer : parts) CHECK(buffer.isUntouchedAround());
  for (const Buffer& buffer : apart) CHECK(buffer.isUntouchedAround());
}

void checkEverywhere(const Reduction& reduction, size_t parts, std::mt19937_64& random) {
  std::vector<Bytes> values;
  for (size_t part = 0; part < parts; ++part) {
    values.push_back(someElements(reduction.dtype, kLargest, random));
  }
  const Bytes expected = reference(reduction, values);
  const Case given{reduction, values, expected};
  for (const size_t count : kCounts) {
    for (const Level level : availableLevels()) {
      check(given, level, Placement::Apart, count, 0);
      check(given, level, Placement::Mixed, count, 1);
      if (reduction.output == reduction.dtype) check(given, level, Placement::InPlace, count, 3);
    }
  }
}

void checkOps(DType dtype, DType output) {
  std::mt19937_64 random(static_cast<size_t>(dtype) * kDTypes + static_cast<size_t>(output));
  for (const Op op : {Op::Sum, Op::Prod, Op::Min, Op::Max, Op::Avg}) {
    if (op == Op::Avg && !isFloat(dtype)) continue;
    for (const size_t parts : {1, 2, 3, 4, 5, 9}) {
      checkEverywhere({op, dtype, output, 3}, parts, random);
    }
  }
}

}  // namespace

TEST("combine f64 as one element at a time does") { checkOps(DType::F64, DType::F64); }
TEST("combine f32 as one element at a time does") { checkOps(DType::F32, DType::F32); }
TEST("combine f16 as one element at a time does") { checkOps(DType::F16, DType::F16); }
TEST("combine bf16 as one element at a time does") { checkOps(DType::BF16, DType::BF16); }
TEST("combine f32 into bf16 as one element at a time does") { checkOps(DType::F32, DType::BF16); }
TEST("combine bf16 into f32 as one element at a time does") { checkOps(DType::BF16, DType::F32); }
TEST("combine i64 as one element at a time does") { checkOps(DType::I64, DType::I64); }
TEST("combine i32 as one element at a time does") { checkOps(DType::I32, DType::I32); }
TEST("combine i8 as one element at a time does") { checkOps(DType::I8, DType::I8); }
TEST("combine u8 as one element at a time does") { checkOps(DType::U8, DType::U8); }

TEST("combine as many parts and outputs as there can be") {
  std::mt19937_64 random(64);
  for (const DType dtype : {DType::F32, DType::BF16, DType::I8}) {
    checkEverywhere({Op::Sum, dtype, dtype, 0}, 64, random);
  }
}

TEST("combine leaves the sum whole for divisor 0, and rounds a large divisor") {
  std::mt19937_64 random(65);
  for (const DType dtype : {DType::F64, DType::F32, DType::F16, DType::BF16}) {
    checkEverywhere({Op::Avg, dtype, dtype, 0}, 3, random);
    checkEverywhere({Op::Avg, dtype, dtype, 1}, 2, random);
    checkEverywhere({Op::Avg, dtype, dtype, (uint64_t{1} << 24) + 3}, 2, random);
  }
}

TEST("combine copies one part, NaNs and all, and leaves it where it is") {
  std::mt19937_64 random(66);
  const size_t count = 100003;
  const Bytes given = someElements(DType::F32, count, random);
  Bytes part = given;
  Bytes one(given.size());
  Bytes other(given.size());
  std::byte* outputs[] = {part.data(), one.data(), other.data()};
  const std::byte* parts[] = {part.data()};
  combine({Op::Max, DType::F32, DType::F32, 0}, outputs, parts, count);
  CHECK(part == given && one == given && other == given);
}

TEST("combine has a name for what it runs on, and writes to no output") {
  CHECK(std::strlen(instructionSet()) > 0);
  const float value = 1;
  const std::byte* parts[] = {reinterpret_cast<const std::byte*>(&value)};
  combine({}, {}, parts, 1);
}
