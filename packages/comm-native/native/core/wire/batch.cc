#include "batch.h"

#include <algorithm>
#include <cassert>

namespace kaitian::wire {
namespace {

constexpr size_t kFrames = 64;
constexpr size_t kBytes = 256 * 1024;

}  // namespace

bool Batch::full() const { return frames_.size() >= kFrames || payloadBytes_ >= kBytes; }

void Batch::add(Sender::Outgoing frame) {
  assert(pieces_.empty());
  const size_t before = headers_.size();
  encode(headers_, frame.header, frame.payload.size());
  payloadBytes_ += frame.payload.size();
  frames_.push_back({headers_.size() - before, frame.payload, std::move(frame.pin)});
}

std::span<const iovec> Batch::pieces() {
  // Only now: the headers have moved while they grew.
  if (pieces_.empty()) {
    std::byte* header = headers_.data();
    for (const Frame& frame : frames_) {
      pieces_.push_back({header, frame.headerBytes});
      header += frame.headerBytes;
      if (frame.payload.empty()) continue;
      pieces_.push_back({const_cast<std::byte*>(frame.payload.data()), frame.payload.size()});
    }
  }
  return std::span(pieces_).subspan(first_);
}

void Batch::written(size_t bytes) {
  while (bytes > 0) {
    iovec& piece = pieces_[first_];
    const size_t taken = std::min(bytes, piece.iov_len);
    piece.iov_base = static_cast<std::byte*>(piece.iov_base) + taken;
    piece.iov_len -= taken;
    bytes -= taken;
    if (piece.iov_len == 0) ++first_;
  }
}

void Batch::clear() {
  headers_.clear();
  frames_.clear();
  payloadBytes_ = 0;
  pieces_.clear();
  first_ = 0;
}

}  // namespace kaitian::wire
