#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "frame.h"

namespace kaitian::wire {

// Makes frames of a stream of bytes, however they are cut. Payloads go straight
// to where they belong: the caller reads into room(), says how much came, and
// takes frames until there are no more.
//
//   socket.read(reader.room())  →  reader.filled(bytes)  →  while (reader.next()) …
//
// Pure: no sockets, no clocks. Holds one header and nothing that a length in
// the stream could make grow.
class FrameReader {
 public:
  // Asked where a chunk's payload goes, once its header is checked. Null: it is
  // read and checked, but not kept. May throw WireError.
  using Place = std::function<std::byte*(const ChunkFrame& chunk, size_t bytes)>;
  using Room = std::array<std::span<std::byte>, 2>;

  struct Frame {
    Header header;
    std::span<const std::byte> payload;
  };

  explicit FrameReader(Place place) : place_(std::move(place)) {}

  // Where the next bytes go, in order: the rest of a payload, then headers. The
  // second may be empty, the first is not.
  Room room();
  void filled(size_t bytes);
  // Throws WireError, after which the stream is of no use.
  std::optional<Frame> next();

  // Copies from `bytes` what there is room for; how much that was.
  size_t copy(std::span<const std::byte> bytes);
  // Part of a frame has come, the rest has not.
  bool midFrame() const { return chunk_.has_value() || begin_ != end_; }

 private:
  std::span<std::byte> payloadRoom();
  void check(std::span<const std::byte> payload);
  std::optional<Frame> finish();
  void startPayload(const ChunkFrame& chunk, size_t bytes);

  const Place place_;
  // Bytes of headers, of which those from begin_ to end_ are there. Reading a
  // little ahead saves a call of the system for most frames; what turns out to
  // be payload is copied once more, at most this much per chunk.
  std::array<std::byte, 8192> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  // A chunk whose payload is not complete, and its bytes so far.
  std::optional<ChunkFrame> chunk_;
  std::byte* payload_ = nullptr;
  size_t payloadBytes_ = 0;
  size_t read_ = 0;
  uint32_t checksum_ = 0;
  // Takes what is not kept; allocated for the first such payload.
  std::vector<std::byte> discarded_;
};

}  // namespace kaitian::wire
