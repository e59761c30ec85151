#include "frame.h"

#include "../kernels/crc32c.h"
#include "failure_code.h"
#include "msgpack.h"
#include "signature_code.h"
#include "wire_error.h"

namespace kaitian::wire {
namespace {

constexpr size_t kCheckedPrefixBytes = 12;
constexpr std::array<unsigned, 3> kMagic{'K', 'T', 'N'};
constexpr unsigned kVersion = 2;

void putU32(std::byte* to, uint32_t value) {
  for (size_t i = 0; i < 4; ++i) to[i] = static_cast<std::byte>(value >> 8 * i & 0xff);
}

uint32_t getU32(const std::byte* from) {
  uint32_t value = 0;
  for (size_t i = 4; i-- > 0;) value = value << 8 | std::to_integer<uint32_t>(from[i]);
  return value;
}

// Over the prefix without the checksum itself, and the header.
uint32_t checksum(std::span<const std::byte> frame) {
  const uint32_t ofPrefix = crc32c(0, frame.data(), kCheckedPrefixBytes);
  return crc32c(ofPrefix, frame.data() + kPrefixBytes, frame.size() - kPrefixBytes);
}

struct Pack {
  Packer& out;

  void start(size_t entries, Kind kind) const {
    out.array(entries);
    out.integer(static_cast<uint64_t>(kind));
  }

  void operator()(const ChunkFrame& frame) const {
    start(8, Kind::Chunk);
    out.integer(frame.number);
    out.integer(frame.key.generation);
    out.integer(frame.key.lane);
    out.integer(frame.key.sequence);
    out.integer(frame.key.step);
    out.integer(static_cast<uint64_t>(frame.flow));
    out.integer(frame.checksum);
  }

  void operator()(const AnnounceFrame& frame) const {
    start(4, Kind::Announce);
    out.integer(frame.number);
    out.integer(frame.announcement.lane);
    pack(out, frame.announcement.signature);
  }

  void operator()(const AbortFrame& frame) const {
    start(4, Kind::Abort);
    out.integer(frame.number);
    out.integer(frame.notice.generation);
    pack(out, frame.notice.failure);
  }

  void operator()(const EmptyFrame& frame) const {
    start(3, Kind::Empty);
    out.integer(frame.number);
    out.integer(static_cast<uint64_t>(frame.flow));
  }

  void operator()(const AckFrame& frame) const {
    start(2 + kFlows, Kind::Ack);
    out.integer(frame.received);
    for (const uint64_t consumed : frame.consumed) out.integer(consumed);
  }

  void operator()(const PingFrame&) const { start(1, Kind::Ping); }
  void operator()(const ByeFrame&) const { start(1, Kind::Bye); }
};

void expect(size_t entries, size_t wanted) {
  if (entries != wanted) throw malformed("a header with the wrong number of entries");
}

uint64_t unpackNumber(Unpacker& in) {
  const uint64_t number = in.integer();
  if (number == 0) throw malformed("a frame with the number 0");
  return number;
}

uint32_t unpackU32(Unpacker& in) { return static_cast<uint32_t>(in.integer(UINT32_MAX)); }

ChunkFrame unpackChunk(Unpacker& in) {
  ChunkFrame frame;
  frame.number = unpackNumber(in);
  frame.key.generation = in.integer();
  frame.key.lane = unpackU32(in);
  frame.key.sequence = in.integer();
  frame.key.step = in.integer();
  frame.flow = in.oneOf(Flow::Result);
  frame.checksum = unpackU32(in);
  return frame;
}

AckFrame unpackAck(Unpacker& in) {
  AckFrame frame;
  frame.received = in.integer();
  for (uint64_t& consumed : frame.consumed) consumed = in.integer();
  return frame;
}

// Members of a braced list are evaluated in order, which is the order on the wire.
Header unpackKind(Unpacker& in, size_t entries) {
  const uint64_t kind = in.integer();
  switch (static_cast<Kind>(kind <= UINT8_MAX ? kind : 0)) {
    case Kind::Chunk:
      expect(entries, 8);
      return unpackChunk(in);
    case Kind::Announce:
      expect(entries, 4);
      return AnnounceFrame{unpackNumber(in), {unpackU32(in), unpackSignature(in)}};
    case Kind::Abort:
      expect(entries, 4);
      return AbortFrame{unpackNumber(in), {in.integer(), unpackFailure(in)}};
    case Kind::Empty:
      expect(entries, 3);
      return EmptyFrame{unpackNumber(in), in.oneOf(Flow::Result)};
    case Kind::Ack:
      expect(entries, 2 + kFlows);
      return unpackAck(in);
    case Kind::Ping:
      expect(entries, 1);
      return PingFrame{};
    case Kind::Bye:
      expect(entries, 1);
      return ByeFrame{};
    case Kind::Hello:
    case Kind::Challenge:
    case Kind::Proof:
      throw malformed("a frame of the handshake on an open link");
  }
  throw malformed("a frame of the unknown kind " + std::to_string(kind));
}

}  // namespace

void encode(std::vector<std::byte>& out, const Header& header, size_t payloadBytes) {
  const size_t start = out.size();
  out.resize(start + kPrefixBytes);
  Packer packer(out);
  std::visit(Pack{packer}, header);
  const std::span frame(out.data() + start, out.size() - start);
  for (size_t i = 0; i < kMagic.size(); ++i) frame[i] = static_cast<std::byte>(kMagic[i]);
  frame[kMagic.size()] = static_cast<std::byte>(kVersion);
  putU32(&frame[4], static_cast<uint32_t>(frame.size() - kPrefixBytes));
  putU32(&frame[8], static_cast<uint32_t>(payloadBytes));
  putU32(&frame[kCheckedPrefixBytes], checksum(frame));
}

Prefix decodePrefix(std::span<const std::byte, kPrefixBytes> bytes) {
  for (size_t i = 0; i < kMagic.size(); ++i) {
    if (std::to_integer<unsigned>(bytes[i]) != kMagic[i]) {
      throw malformed("something that is not a frame");
    }
  }
  const auto version = std::to_integer<unsigned>(bytes[kMagic.size()]);
  if (version != kVersion) {
    throw malformed("a frame of version " + std::to_string(version) + " of the wire format");
  }
  const Prefix prefix{getU32(&bytes[4]), getU32(&bytes[8])};
  if (prefix.headerBytes == 0 || prefix.headerBytes > kHeaderBytes) {
    throw malformed("a header of " + std::to_string(prefix.headerBytes) + " bytes");
  }
  if (prefix.payloadBytes > kPayloadBytes) {
    throw malformed("a payload of " + std::to_string(prefix.payloadBytes) + " bytes");
  }
  return prefix;
}

Header decodeHeader(std::span<const std::byte> bytes) {
  if (checksum(bytes) != getU32(&bytes[kCheckedPrefixBytes])) {
    throw corrupt("a header whose checksum does not match");
  }
  Unpacker in(bytes.subspan(kPrefixBytes));
  const size_t entries = in.array(8);
  Header header = unpackKind(in, entries);
  in.end();
  if (!std::holds_alternative<ChunkFrame>(header) && getU32(&bytes[8]) != 0) {
    throw malformed("a payload behind a frame that has none");
  }
  return header;
}

}  // namespace kaitian::wire
