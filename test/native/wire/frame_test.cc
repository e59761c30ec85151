#include <cstring>
#include <limits>
#include <optional>

#include "../check.h"
#include "core/wire/failure_code.h"
#include "core/wire/frame_reader.h"
#include "core/wire/wire_error.h"
#include "samples.h"

using namespace wire_test;

namespace {

struct Verdict {
  std::vector<Bytes> frames;
  std::optional<Loss::Reason> refused;
  bool midFrame = false;
};

// Reads a stream in pieces of the given size.
Verdict readAll(std::span<const std::byte> stream, size_t piece) {
  Verdict verdict;
  static Bytes payload(kPayloadBytes);
  FrameReader reader([&](const ChunkFrame&, size_t bytes) {
    CHECK(bytes <= kPayloadBytes);
    return payload.data();
  });
  try {
    while (!stream.empty()) {
      stream = stream.subspan(reader.copy(stream.first(std::min(piece, stream.size()))));
      while (const auto frame = reader.next()) {
        verdict.frames.push_back(encoded(frame->header, frame->payload));
      }
    }
  } catch (const WireError& error) {
    verdict.refused = error.reason;
  }
  verdict.midFrame = reader.midFrame();
  return verdict;
}

// Prefix and checksum made to fit a header that is not.
Bytes sealed(std::span<const std::byte> header, uint32_t payloadBytes = 0) {
  Bytes bytes;
  encode(bytes, PingFrame{}, payloadBytes);
  bytes.resize(kPrefixBytes);
  bytes.insert(bytes.end(), header.begin(), header.end());
  const auto length = static_cast<uint32_t>(header.size());
  std::memcpy(&bytes[4], &length, 4);
  const uint32_t checksum =
      crc32c(crc32c(0, bytes.data(), 12), header.data(), header.size());
  std::memcpy(&bytes[12], &checksum, 4);
  return bytes;
}

Bytes bytesOf(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

bool refusedAs(Loss::Reason reason, const Bytes& stream) {
  const Verdict verdict = readAll(stream, stream.size());
  return verdict.frames.empty() && verdict.refused == reason;
}

template <typename T>
T throughTheWire(const T& failure) {
  const Bytes bytes = encoded(AbortFrame{1, {7, failure}});
  CHECK(bytes.size() <= kPrefixBytes + kHeaderBytes);
  const Header header = decodeHeader(bytes);
  return std::get<T>(std::get<AbortFrame>(header).notice.failure);
}

}  // namespace

TEST("frames of all kinds come back, however the stream is cut") {
  Random random(1);
  for (int round = 0; round < 20; ++round) {
    Bytes stream;
    std::vector<Bytes> sent;
    for (size_t kind = 0; kind < kSampleKinds; ++kind) {
      sent.push_back(encoded(sample(kind, 1 + anyInteger(random) / 2, 20000, random)));
      stream.insert(stream.end(), sent.back().begin(), sent.back().end());
    }
    for (const size_t piece : {size_t{1}, size_t{17}, size_t{4096}, stream.size()}) {
      if (piece == 1 && round > 2) continue;
      const Verdict verdict = readAll(stream, piece);
      CHECK(!verdict.refused && !verdict.midFrame);
      CHECK(verdict.frames == sent);
    }
  }
}

TEST("all fields of a frame come back") {
  const Signature signature{1, UINT64_MAX, 3, 4, 5, Collective::SendRecv, Op::Avg, DType::U8};
  Header header = decodeHeader(encoded(AnnounceFrame{9, {8, signature}}));
  CHECK(std::get<AnnounceFrame>(header).number == 9);
  CHECK((std::get<AnnounceFrame>(header).announcement == Announcement{8, signature}));

  const ChunkKey key{UINT64_MAX, UINT32_MAX, 1u << 16, 255};
  header = decodeHeader(encoded(ChunkFrame{128, key, Flow::Result, 0xdeadbeef}));
  const ChunkFrame chunk = std::get<ChunkFrame>(header);
  CHECK(chunk.number == 128 && chunk.key == key);
  CHECK(chunk.flow == Flow::Result && chunk.checksum == 0xdeadbeef);

  header = decodeHeader(encoded(AckFrame{1, {2, 4, 3}}));
  const AckFrame ack = std::get<AckFrame>(header);
  CHECK(ack.received == 1 && ack.consumed[0] == 2 && ack.consumed[2] == 3);

  CHECK(throughTheWire(Aborted{"grüße"}).cause == "grüße");
  const Mismatch mismatch =
      throughTheWire(Mismatch{9, 6, signature, {{leaderOf(0), {}}, {3, signature}}});
  CHECK(mismatch.lane == 9 && mismatch.sequence == 6 && mismatch.expected == signature);
  CHECK(mismatch.differing.size() == 2 && mismatch.differing[0].rank == leaderOf(0));
  CHECK(mismatch.differing[1].rank == 3 && mismatch.differing[1].signature == signature);
  const auto late = throughTheWire(DeadlineExceeded{1, 7, {leaderOf(2), 4}, 0.5, Phase::Bridge});
  CHECK(late.lane == 1 && late.sequence == 7 && late.missing == (std::vector{leaderOf(2), 4}));
  CHECK(late.deadlineMs == 0.5 && late.phase == Phase::Bridge);
  CHECK(throughTheWire(PeersLeft{0, 8, {1}}).missing == std::vector{1});
  const auto lost = throughTheWire(GroupLost{3, GroupLost::Reason::Corrupt, "why"});
  CHECK(lost.group == 3 && lost.reason == GroupLost::Reason::Corrupt && lost.detail == "why");
}

TEST("failures too long for a header are cut") {
  CHECK(throughTheWire(Aborted{std::string(9999, 'x')}).cause == std::string(kCauseBytes, 'x'));
  // 2-byte characters at odd places: the last one would be cut in two.
  std::string umlauts = "x";
  while (umlauts.size() < 9999) umlauts += "ü";
  CHECK(throughTheWire(Aborted{umlauts}).cause == umlauts.substr(0, kCauseBytes - 1));

  const int largest = std::numeric_limits<int>::max() - 1;
  const std::vector<int> ranks(5000, largest);
  CHECK(throughTheWire(PeersLeft{UINT32_MAX, UINT64_MAX, ranks}).missing.size() == kMissingRanks);
  CHECK(throughTheWire(PeersLeft{0, 1, {largest}}).missing[0] == largest);
  Signature longest{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT32_MAX};
  Mismatch mismatch{UINT32_MAX, UINT64_MAX, longest, {}};
  for (int i = 0; i < 500; ++i) mismatch.differing.push_back({largest, longest});
  CHECK(throughTheWire(mismatch).differing.size() == kDifferingRanks);
  const double infinite = std::numeric_limits<double>::infinity();
  CHECK(throughTheWire(DeadlineExceeded{0, 1, ranks, infinite}).deadlineMs == 0);
}

TEST("a truncated frame is no frame") {
  Random random(2);
  for (size_t kind = 0; kind < kSampleKinds; ++kind) {
    const Bytes bytes = encoded(sample(kind, 5, 200, random));
    for (size_t length = 0; length < bytes.size(); ++length) {
      const Verdict verdict = readAll(std::span(bytes).first(length), 64);
      CHECK(verdict.frames.empty() && !verdict.refused);
      CHECK(verdict.midFrame == (length > 0));
    }
  }
}

TEST("a frame with any one bit flipped is refused, or waits for bytes that do not come") {
  Random random(3);
  for (size_t kind = 0; kind < kSampleKinds; ++kind) {
    Bytes bytes = encoded(sample(kind, 5, 300, random));
    for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      const auto mask = static_cast<std::byte>(1u << bit % 8);
      bytes[bit / 8] ^= mask;
      const Verdict verdict = readAll(bytes, 512);
      CHECK(verdict.frames.empty());
      CHECK(verdict.refused || verdict.midFrame);
      bytes[bit / 8] ^= mask;
    }
  }
}

TEST("B2 lengths, magic and version are checked before anything is read") {
  Bytes frame = encoded(PingFrame{});
  const auto with = [&](size_t at, int value) {
    Bytes changed = frame;
    changed[at] = static_cast<std::byte>(value);
    changed.resize(kPrefixBytes);
    return changed;
  };
  CHECK(refusedAs(Loss::Reason::Malformed, with(0, 'k')));
  CHECK(refusedAs(Loss::Reason::Malformed, with(2, 0)));
  CHECK(refusedAs(Loss::Reason::Malformed, with(3, 1)));
  CHECK(refusedAs(Loss::Reason::Malformed, with(3, 3)));
  CHECK(refusedAs(Loss::Reason::Malformed, with(4, 0)));
  CHECK(refusedAs(Loss::Reason::Malformed, with(5, 0x11)));
  CHECK(refusedAs(Loss::Reason::Malformed, with(7, 0x80)));
  CHECK(refusedAs(Loss::Reason::Malformed, with(10, 0x11)));
  CHECK(refusedAs(Loss::Reason::Malformed, with(11, 0xff)));
}

TEST("B2 headers other than those of the format are refused") {
  const std::vector<Bytes> headers = {
      bytesOf({}),                          // nothing
      bytesOf({0x90}),                      // no kind
      bytesOf({0x91, 1}),                   // a hello
      bytesOf({0x91, 23}),                  // an unknown kind
      bytesOf({0x91, 0xcd, 1, 16}),         // one that would be known in 8 bits
      bytesOf({0x91, 0xcc, 21}),            // a kind in a longer form than it needs
      bytesOf({0x92, 21, 0}),               // a ping with something
      bytesOf({0x91, 21, 0}),               // bytes behind the end
      bytesOf({0xdc, 0, 1, 21}),            // an array in a longer form than it needs
      bytesOf({0x81, 0, 21}),               // a map
      bytesOf({21}),                        // no array
      bytesOf({0x93, 19, 0, 0}),            // number 0
      bytesOf({0x93, 19, 1, 3}),            // an unknown flow
      bytesOf({0x93, 19, 0xff, 0}),         // a negative number
      bytesOf({0x93, 19, 0xca, 0, 0, 0, 0, 0}),  // a float
      bytesOf({0x93, 19, 0xc0, 0}),         // nil
      bytesOf({0x93, 19, 0xcf, 0, 0, 0, 1, 0, 0, 0, 0}),  // ends early
      bytesOf({0x94, 18, 1, 1, 0x92, 5, 0}),              // an unknown failure
      bytesOf({0x94, 18, 1, 1, 0x92, 0, 0xd9, 1, 'x'}),   // a string in a longer form
      bytesOf({0x94, 18, 1, 1, 0x92, 0, 0xd9, 40, 'x'}),  // more string than there is
      bytesOf({0x94, 18, 1, 1, 0x92, 0, 0xda, 7, 0xd1}),  // a string of 2001 bytes
      bytesOf({0x94, 18, 1, 1, 0x94, 3, 0, 1, 0xdc, 0xff, 0xff}),  // 65535 ranks
      // A rank, and a lane, of 33 bits.
      bytesOf({0x94, 18, 1, 1, 0x94, 3, 0, 1, 0x91, 0xcf, 0, 0, 0, 1, 0, 0, 0, 0}),
      bytesOf({0x94, 18, 1, 1, 0x94, 3, 0xcf, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0x90}),
      bytesOf({0x94, 18, 1, 1, 0x95, 3, 0, 1, 0x90, 0}),  // one entry too many
      bytesOf({0x94, 18, 1, 1, 0x93, 3, 1, 0x90}),        // one too few
  };
  for (const Bytes& header : headers) CHECK(refusedAs(Loss::Reason::Malformed, sealed(header)));
  CHECK(refusedAs(Loss::Reason::Malformed, sealed(bytesOf({0x91, 21}), 1)));
  CHECK(readAll(sealed(bytesOf({0x91, 21})), 64).frames.size() == 1);
  CHECK(readAll(sealed(bytesOf({0x93, 19, 1, 1})), 64).frames.size() == 1);
  CHECK(readAll(sealed(bytesOf({0x94, 18, 1, 1, 0x94, 3, 0, 1, 0x90})), 64).frames.size() == 1);
}
