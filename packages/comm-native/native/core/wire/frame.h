#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "link.h"

namespace kaitian::wire {

// Frames as docs/wire-format.md describes them; pure functions over bytes.

constexpr size_t kPrefixBytes = 16;
constexpr size_t kHeaderBytes = 4096;
constexpr size_t kPayloadBytes = 1024 * 1024;

// 1 to 3 belong to the handshake, which is over before a link sees the connection.
enum class Kind : uint8_t {
  Hello = 1,
  Challenge = 2,
  Proof = 3,
  Chunk = 16,
  Announce = 17,
  Abort = 18,
  Empty = 19,
  Ack = 20,
  Ping = 21,
  Bye = 22,
};

struct ChunkFrame {
  uint64_t number = 0;
  ChunkKey key;
  Flow flow = Flow::Contribution;
  // CRC-32C of the payload.
  uint32_t checksum = 0;
};

struct AnnounceFrame {
  uint64_t number = 0;
  Announcement announcement;
};

struct AbortFrame {
  uint64_t number = 0;
  AbortNotice notice;
};

// Stands for a chunk whose generation was dropped before it could be resent.
// It counts like a chunk of its flow that is consumed on arrival, so that both
// ends agree on credits whether or not the chunk itself had arrived.
struct EmptyFrame {
  uint64_t number = 0;
  Flow flow = Flow::Contribution;
};

struct AckFrame {
  // Numbered frames received, and chunks of each flow that are consumed.
  uint64_t received = 0;
  std::array<uint64_t, kFlows> consumed{};
};

struct PingFrame {};
struct ByeFrame {};

using Header = std::variant<ChunkFrame, AnnounceFrame, AbortFrame, EmptyFrame, AckFrame, PingFrame,
                            ByeFrame>;

struct Prefix {
  uint32_t headerBytes = 0;
  uint32_t payloadBytes = 0;
};

// Appends prefix and header; the payload is to follow.
void encode(std::vector<std::byte>& out, const Header& header, size_t payloadBytes = 0);

// Both throw WireError. Lengths are within their bounds when a prefix is returned.
Prefix decodePrefix(std::span<const std::byte, kPrefixBytes> bytes);
// `bytes`: prefix and header.
Header decodeHeader(std::span<const std::byte> bytes);

}  // namespace kaitian::wire
