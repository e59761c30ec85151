#include "perform.h"

#include <array>
#include <cstring>

#include "../float_environment.h"

namespace kaitian {
namespace {

// Bytes of a part that are in hand at a time: they stay in the first-level cache.
constexpr size_t kBlockBytes = 4096;

void combineAll(const Step& step, const Reduction& reduction) {
  thread_local std::vector<const std::byte*> parts;
  thread_local std::vector<std::byte*> outputs;
  parts.clear();
  outputs.clear();
  for (const Step::Source& source : step.sources) parts.push_back(source.data);
  for (const Step::Sink& sink : step.sinks) outputs.push_back(sink.data);
  combine(reduction, outputs, parts, step.count);
}

// Both directions of a pair, through a block of their own.
void permute(const Step& step, size_t width) {
  const size_t bytes = step.count * width;
  std::array<std::byte, kBlockBytes> first;
  std::array<std::byte, kBlockBytes> second;
  for (size_t from = 0; from < bytes; from += kBlockBytes) {
    const size_t length = std::min(kBlockBytes, bytes - from);
    std::memcpy(first.data(), step.sources[0].data + from, length);
    if (step.sources.size() > 1) {
      std::memcpy(second.data(), step.sources[1].data + from, length);
      std::memcpy(step.sinks[1].data + from, second.data(), length);
    }
    std::memcpy(step.sinks[0].data + from, first.data(), length);
  }
}

// Each group's partial result goes to a block, as it would to the wire, and the
// blocks are combined. A rank that is a group of its own has its part already,
// unless the wire would round it.
class Blocks {
 public:
  Blocks(const Step& step, const Groups& groups, std::span<const size_t> rankOf)
      : count_(step.count) {
    size_t last = groups.size();
    for (const Step::Source& source : step.sources) {
      const size_t group = groups.of(rankOf[source.rank]);
      if (group != last) byGroup_.emplace_back();
      byGroup_.back().push_back(source.data);
      last = group;
    }
    for (const Step::Sink& sink : step.sinks) sinks_.push_back(sink.data);
  }

  void combineBoth(const Reduction& within, const Reduction& across) {
    std::vector<std::array<std::byte, kBlockBytes>> partials(byGroup_.size());
    std::vector<const std::byte*> parts(byGroup_.size());
    const size_t block = kBlockBytes / widthOf(within.dtype);
    for (size_t done = 0; done < count_; done += block) {
      const size_t length = std::min(block, count_ - done);
      for (size_t group = 0; group < byGroup_.size(); ++group) {
        parts[group] = partial(within, group, partials[group].data(), length);
      }
      combine(across, sinks_, parts, length);
      advance(within, across, length);
    }
  }

 private:
  const std::byte* partial(const Reduction& within, size_t group, std::byte* into,
                           size_t length) const {
    const std::vector<const std::byte*>& own = byGroup_[group];
    if (own.size() == 1 && within.output == within.dtype) return own[0];
    std::byte* const outputs[] = {into};
    combine(within, outputs, own, length);
    return into;
  }

  void advance(const Reduction& within, const Reduction& across, size_t length) {
    for (auto& own : byGroup_) {
      for (const std::byte*& part : own) part += length * widthOf(within.dtype);
    }
    for (std::byte*& sink : sinks_) sink += length * widthOf(across.output);
  }

  const size_t count_;
  std::vector<std::vector<const std::byte*>> byGroup_;
  std::vector<std::byte*> sinks_;
};

}  // namespace

Reduction withinGroup(const Signature& signature, WirePrecision wire) {
  const bool narrow = wire == WirePrecision::Bf16 && signature.dtype == DType::F32 &&
                      isReduction(signature.collective);
  const Op op = isReduction(signature.collective) ? signature.op : Op::Sum;
  return {op, signature.dtype, narrow ? DType::BF16 : signature.dtype, 0};
}

Reduction acrossGroups(const Signature& signature, WirePrecision wire, size_t ranks) {
  const Reduction within = withinGroup(signature, wire);
  const uint64_t divisor = within.op == Op::Avg ? ranks : 0;
  return {within.op, within.output, signature.dtype, divisor};
}

Reduction withinOne(const Signature& signature, size_t ranks) {
  const Reduction within = withinGroup(signature, WirePrecision::Full);
  return {within.op, within.dtype, within.output, within.op == Op::Avg ? ranks : 0};
}

void perform(const Step& step, const Signature& signature, const Groups& groups,
             WirePrecision wire, std::span<const size_t> rankOf) {
  const DefaultFloatEnvironment environment;
  const size_t ranks = step.sources.size();
  if (step.kind == Step::Kind::Permute) return permute(step, widthOf(signature.dtype));
  if (groups.size() == 1 || ranks == 1 || !isReduction(signature.collective)) {
    return combineAll(step, withinOne(signature, ranks));
  }
  Blocks(step, groups, rankOf)
      .combineBoth(withinGroup(signature, wire), acrossGroups(signature, wire, ranks));
}

}  // namespace kaitian
