#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "frame.h"

namespace kaitian::wire {

// A chunk that waits to be sent or acknowledged.
struct OutgoingChunk {
  ChunkKey key;
  Flow flow = Flow::Contribution;
  std::span<const std::byte> payload;
  uint32_t checksum = 0;
  Pin pin;
};

// One direction of a link as its sender sees it: numbers, credits, and what is
// kept until the peer has it. Pure and unlocked. Holds references to payloads,
// never copies.
//
// Whatever lets go of payloads hands their pins back: to drop one may run
// foreign code, which must not happen under the caller's lock.
class Sender {
 public:
  using Pins = std::vector<Pin>;

  struct Outgoing {
    Header header;
    std::span<const std::byte> payload;
    Pin pin;
  };

  explicit Sender(size_t window) : window_(window) {}

  // False, and not taken, when its generation was dropped.
  bool queue(OutgoingChunk& chunk);
  void queue(const Announcement& announcement) { announcements_.push_back(announcement); }
  void queue(const AbortNotice& notice) { aborts_.push_back(notice); }

  // The next frame to write, if there is one and credit for it: first what the
  // peer has not got of what was written before, then aborts, announcements
  // (which unlock what others wait for), results (which end steps) and
  // contributions.
  std::optional<Outgoing> next();

  // A new connection, on which the peer says how many frames it has received:
  // those after them are due again. May be less than it has acknowledged
  // meanwhile. Throws std::invalid_argument when it is more than were sent.
  Pins attach(uint64_t peerReceived);
  // Throws WireError when the peer acknowledges what it was not sent.
  Pins acknowledge(const AckFrame& ack);
  // Chunks of generations up to this one; those with a number turn into empty frames.
  Pins drop(uint64_t generation);
  Pins clear();

 private:
  using Content = std::variant<OutgoingChunk, Announcement, AbortNotice, EmptyFrame>;

  Outgoing number(Content content);
  Outgoing frameOf(uint64_t number, const Content& content) const;
  void forget(uint64_t received, Pins& pins);

  const size_t window_;
  std::deque<AbortNotice> aborts_;
  std::deque<Announcement> announcements_;
  std::array<std::deque<OutgoingChunk>, kFlows> chunks_;
  // Frames acknowledged_ + 1 to acknowledged_ + unacknowledged_.size().
  std::deque<Content> unacknowledged_;
  uint64_t acknowledged_ = 0;
  // The last frame that next() gave on this connection, or that the peer had before.
  uint64_t written_ = 0;
  std::array<uint64_t, kFlows> sent_{};
  std::array<uint64_t, kFlows> consumed_{};
  // The last generation that was dropped.
  std::optional<uint64_t> dropped_;
};

}  // namespace kaitian::wire
