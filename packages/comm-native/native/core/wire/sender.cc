#include "sender.h"

#include <algorithm>
#include <stdexcept>

#include "wire_error.h"

namespace kaitian::wire {
namespace {

size_t at(Flow flow) { return static_cast<size_t>(flow); }

template <typename T>
T takeFirst(std::deque<T>& queue) {
  T first = std::move(queue.front());
  queue.pop_front();
  return first;
}

}  // namespace

bool Sender::queue(OutgoingChunk& chunk) {
  if (dropped_ && chunk.key.generation <= *dropped_) return false;
  chunks_[at(chunk.flow)].push_back(std::move(chunk));
  return true;
}

std::optional<Sender::Outgoing> Sender::next() {
  if (written_ < acknowledged_ + unacknowledged_.size()) {
    ++written_;
    return frameOf(written_, unacknowledged_[written_ - acknowledged_ - 1]);
  }
  if (!aborts_.empty()) return number(takeFirst(aborts_));
  if (!announcements_.empty()) return number(takeFirst(announcements_));
  for (const Flow flow : {Flow::Result, Flow::Bucket, Flow::Contribution}) {
    auto& waiting = chunks_[at(flow)];
    if (waiting.empty() || sent_[at(flow)] - consumed_[at(flow)] >= window_) continue;
    ++sent_[at(flow)];
    return number(takeFirst(waiting));
  }
  return std::nullopt;
}

Sender::Outgoing Sender::number(Content content) {
  unacknowledged_.push_back(std::move(content));
  ++written_;
  return frameOf(written_, unacknowledged_.back());
}

Sender::Outgoing Sender::frameOf(uint64_t number, const Content& content) const {
  if (const auto* chunk = std::get_if<OutgoingChunk>(&content)) {
    return {ChunkFrame{number, chunk->key, chunk->flow, chunk->checksum}, chunk->payload,
            chunk->pin};
  }
  if (const auto* announcement = std::get_if<Announcement>(&content)) {
    return {AnnounceFrame{number, *announcement}, {}, {}};
  }
  if (const auto* notice = std::get_if<AbortNotice>(&content)) {
    return {AbortFrame{number, *notice}, {}, {}};
  }
  return {EmptyFrame{number, std::get<EmptyFrame>(content).flow}, {}, {}};
}

Sender::Pins Sender::attach(uint64_t peerReceived) {
  if (peerReceived > acknowledged_ + unacknowledged_.size()) {
    throw std::invalid_argument("The peer claims more frames than it was sent.");
  }
  Pins pins;
  if (peerReceived > acknowledged_) forget(peerReceived, pins);
  written_ = std::max(acknowledged_, peerReceived);
  return pins;
}

Sender::Pins Sender::acknowledge(const AckFrame& ack) {
  if (ack.received < acknowledged_ || ack.received > acknowledged_ + unacknowledged_.size()) {
    throw malformed("an acknowledgement of frames that were not sent");
  }
  for (size_t flow = 0; flow < kFlows; ++flow) {
    if (ack.consumed[flow] < consumed_[flow] || ack.consumed[flow] > sent_[flow]) {
      throw malformed("an acknowledgement of chunks that were not sent");
    }
  }
  Pins pins;
  forget(ack.received, pins);
  consumed_ = ack.consumed;
  // It may have received more on an earlier connection than it said when this
  // one began: that need not be sent again.
  written_ = std::max(written_, ack.received);
  return pins;
}

void Sender::forget(uint64_t received, Pins& pins) {
  for (; acknowledged_ < received; ++acknowledged_) {
    auto* chunk = std::get_if<OutgoingChunk>(&unacknowledged_.front());
    if (chunk) pins.push_back(std::move(chunk->pin));
    unacknowledged_.pop_front();
  }
}

Sender::Pins Sender::drop(uint64_t generation) {
  dropped_ = std::max(dropped_.value_or(0), generation);
  Pins pins;
  for (auto& waiting : chunks_) {
    std::erase_if(waiting, [&](OutgoingChunk& chunk) {
      if (chunk.key.generation > generation) return false;
      pins.push_back(std::move(chunk.pin));
      return true;
    });
  }
  for (Content& content : unacknowledged_) {
    auto* chunk = std::get_if<OutgoingChunk>(&content);
    if (!chunk || chunk->key.generation > generation) continue;
    pins.push_back(std::move(chunk->pin));
    content = EmptyFrame{0, chunk->flow};
  }
  return pins;
}

Sender::Pins Sender::clear() {
  Pins pins;
  for (auto& waiting : chunks_) {
    for (OutgoingChunk& chunk : waiting) pins.push_back(std::move(chunk.pin));
    waiting.clear();
  }
  forget(acknowledged_ + unacknowledged_.size(), pins);
  aborts_.clear();
  announcements_.clear();
  return pins;
}

}  // namespace kaitian::wire
