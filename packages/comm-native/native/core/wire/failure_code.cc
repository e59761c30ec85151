#include "failure_code.h"

#include <algorithm>
#include <climits>
#include <cmath>

#include "frame.h"
#include "signature_code.h"
#include "wire_error.h"

namespace kaitian::wire {
namespace {

constexpr size_t kRankBytes = 5;
// The array, the kind, numbers, the array of ranks, and what frame.cc puts around it.
constexpr size_t kAround = 64;
static_assert(kAround + kCauseBytes <= kHeaderBytes);
static_assert(kAround + kMissingRanks * kRankBytes <= kHeaderBytes);
static_assert(kAround + kSignatureBytes + kDifferingRanks * (1 + kRankBytes + kSignatureBytes) <=
              kHeaderBytes);

// As in the variant.
enum class Kind : uint8_t { Aborted, Mismatch, DeadlineExceeded, PeersLeft, GroupLost };
static_assert(std::variant_size_v<Failure> == static_cast<size_t>(Kind::GroupLost) + 1);

// Not within a character: the rest of it would turn into a replacement at best.
std::string_view cut(std::string_view text) {
  if (text.size() <= kCauseBytes) return text;
  size_t length = kCauseBytes;
  while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) --length;
  return text.substr(0, length);
}

// Leaders are below zero and integers on the wire are not: ranks are even, leaders odd.
void packRank(Packer& out, int rank) {
  const int64_t wide = rank;
  out.integer(static_cast<uint64_t>(wide >= 0 ? 2 * wide : -2 * wide - 1));
}

int unpackRank(Unpacker& in) {
  const auto number = static_cast<int64_t>(in.integer(UINT32_MAX));
  return static_cast<int>(number % 2 == 0 ? number / 2 : -(number / 2) - 1);
}

void packRanks(Packer& out, const std::vector<int>& ranks) {
  const size_t length = std::min(ranks.size(), kMissingRanks);
  out.array(length);
  for (size_t i = 0; i < length; ++i) packRank(out, ranks[i]);
}

std::vector<int> unpackRanks(Unpacker& in) {
  std::vector<int> ranks(in.array(kMissingRanks));
  for (int& rank : ranks) rank = unpackRank(in);
  return ranks;
}

struct Pack {
  Packer& out;

  void start(size_t entries, Kind kind) const {
    out.array(entries);
    out.integer(static_cast<uint64_t>(kind));
  }

  void operator()(const Aborted& failure) const {
    start(2, Kind::Aborted);
    out.text(cut(failure.cause));
  }

  void operator()(const Mismatch& failure) const {
    start(5, Kind::Mismatch);
    out.integer(failure.lane);
    out.integer(failure.sequence);
    pack(out, failure.expected);
    const size_t length = std::min(failure.differing.size(), kDifferingRanks);
    out.array(length);
    for (size_t i = 0; i < length; ++i) {
      out.array(2);
      packRank(out, failure.differing[i].rank);
      pack(out, failure.differing[i].signature);
    }
  }

  void operator()(const DeadlineExceeded& failure) const {
    start(6, Kind::DeadlineExceeded);
    out.integer(failure.lane);
    out.integer(failure.sequence);
    packRanks(out, failure.missing);
    const double ms = failure.deadlineMs;
    out.real(std::isfinite(ms) && ms > 0 ? ms : 0);
    out.integer(static_cast<uint64_t>(failure.phase));
  }

  void operator()(const PeersLeft& failure) const {
    start(4, Kind::PeersLeft);
    out.integer(failure.lane);
    out.integer(failure.sequence);
    packRanks(out, failure.missing);
  }

  void operator()(const GroupLost& failure) const {
    start(4, Kind::GroupLost);
    out.integer(failure.group);
    out.integer(static_cast<uint64_t>(failure.reason));
    out.text(cut(failure.detail));
  }
};

void expect(size_t entries, size_t wanted) {
  if (entries != wanted) throw malformed("a failure with the wrong number of entries");
}

uint32_t unpackLane(Unpacker& in) { return static_cast<uint32_t>(in.integer(UINT32_MAX)); }

Mismatch unpackMismatch(Unpacker& in) {
  Mismatch failure{unpackLane(in), in.integer(), unpackSignature(in), {}};
  const size_t length = in.array(kDifferingRanks);
  for (size_t i = 0; i < length; ++i) {
    in.arrayOf(2);
    const int rank = unpackRank(in);
    failure.differing.push_back({rank, unpackSignature(in)});
  }
  return failure;
}

// Members of a braced list are evaluated in order, which is the order on the wire.
Failure unpackKind(Unpacker& in, size_t entries) {
  switch (in.oneOf(Kind::GroupLost)) {
    case Kind::Aborted:
      expect(entries, 2);
      return Aborted{in.text(kCauseBytes)};
    case Kind::Mismatch:
      expect(entries, 5);
      return unpackMismatch(in);
    case Kind::DeadlineExceeded:
      expect(entries, 6);
      return DeadlineExceeded{unpackLane(in), in.integer(), unpackRanks(in), in.real(),
                              in.oneOf(Phase::Bridge)};
    case Kind::PeersLeft:
      expect(entries, 4);
      return PeersLeft{unpackLane(in), in.integer(), unpackRanks(in)};
    case Kind::GroupLost:
      expect(entries, 4);
      return GroupLost{static_cast<uint32_t>(in.integer(UINT32_MAX)),
                       in.oneOf(GroupLost::Reason::Corrupt), in.text(kCauseBytes)};
  }
  throw malformed("a failure of an unknown kind");
}

}  // namespace

void pack(Packer& out, const Failure& failure) { std::visit(Pack{out}, failure); }

Failure unpackFailure(Unpacker& in) {
  const size_t entries = in.array(6);
  return unpackKind(in, entries);
}

}  // namespace kaitian::wire
