#include "frame_reader.h"

#include <algorithm>
#include <cstring>

#include "../kernels/crc32c.h"
#include "wire_error.h"

namespace kaitian::wire {
namespace {

constexpr size_t kDiscardBytes = 64 * 1024;

}  // namespace

FrameReader::Room FrameReader::room() {
  if (chunk_ && read_ < payloadBytes_) {
    const std::span<std::byte> piece = payloadRoom();
    // Headers may follow only where the whole of the rest fits.
    const bool last = piece.size() == payloadBytes_ - read_;
    return {piece, last ? std::span(buffer_) : std::span<std::byte>()};
  }
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  return {std::span(buffer_).subspan(end_), {}};
}

std::span<std::byte> FrameReader::payloadRoom() {
  const size_t rest = payloadBytes_ - read_;
  if (payload_) return {payload_ + read_, rest};
  discarded_.resize(kDiscardBytes);
  return std::span(discarded_).first(std::min(rest, kDiscardBytes));
}

void FrameReader::filled(size_t bytes) {
  if (chunk_ && read_ < payloadBytes_) {
    const std::span<std::byte> piece = payloadRoom();
    const size_t ofPayload = std::min(bytes, piece.size());
    check(piece.first(ofPayload));
    bytes -= ofPayload;
  }
  end_ += bytes;
}

// Piece by piece, as it comes in: what was just read is still in the cache.
void FrameReader::check(std::span<const std::byte> payload) {
  checksum_ = crc32c(checksum_, payload.data(), payload.size());
  read_ += payload.size();
}

std::optional<FrameReader::Frame> FrameReader::next() {
  if (chunk_) return finish();
  const std::span<const std::byte> there(buffer_.data() + begin_, end_ - begin_);
  if (there.size() < kPrefixBytes) return std::nullopt;
  const Prefix prefix = decodePrefix(there.first<kPrefixBytes>());
  const size_t bytes = kPrefixBytes + prefix.headerBytes;
  if (there.size() < bytes) return std::nullopt;
  Header header = decodeHeader(there.first(bytes));
  begin_ += bytes;
  if (const auto* chunk = std::get_if<ChunkFrame>(&header)) {
    startPayload(*chunk, prefix.payloadBytes);
    return finish();
  }
  return Frame{std::move(header), {}};
}

void FrameReader::startPayload(const ChunkFrame& chunk, size_t bytes) {
  payload_ = place_(chunk, bytes);
  chunk_ = chunk;
  payloadBytes_ = bytes;
  read_ = 0;
  checksum_ = 0;
  const size_t there = std::min(bytes, end_ - begin_);
  if (payload_ && there > 0) std::memcpy(payload_, buffer_.data() + begin_, there);
  check(std::span(buffer_).subspan(begin_, there));
  begin_ += there;
  // Room for the rest is offered together with the whole buffer.
  if (begin_ == end_) begin_ = end_ = 0;
}

std::optional<FrameReader::Frame> FrameReader::finish() {
  if (read_ < payloadBytes_) return std::nullopt;
  if (checksum_ != chunk_->checksum) throw corrupt("a payload whose checksum does not match");
  const ChunkFrame chunk = *chunk_;
  chunk_.reset();
  return Frame{chunk, {payload_, payload_ ? payloadBytes_ : 0}};
}

size_t FrameReader::copy(std::span<const std::byte> bytes) {
  size_t copied = 0;
  for (const std::span<std::byte> piece : room()) {
    const size_t length = std::min(piece.size(), bytes.size() - copied);
    if (length > 0) std::memcpy(piece.data(), bytes.data() + copied, length);
    copied += length;
  }
  filled(copied);
  return copied;
}

}  // namespace kaitian::wire
