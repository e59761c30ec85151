#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "../failure.h"
#include "../region.h"
#include "../signature.h"

namespace kaitian::wire {

// Payloads flow in classes, each with a window of its own, so that what waits
// for other groups holds up neither results nor the other kind of operation.
enum class Flow : uint8_t {
  // To a call. May have to wait at the receiver until others' parts of the same
  // step are there.
  Contribution,
  // The same, to a bucket: groups may work on calls and buckets in any order.
  Bucket,
  // Can be written where it belongs as soon as it arrives.
  Result,
};
constexpr size_t kFlows = 3;

// Where a chunk belongs: generation, lane and operation, and the step of it.
struct ChunkKey {
  uint64_t generation = 0;
  uint32_t lane = 0;
  uint64_t sequence = 0;
  uint64_t step = 0;

  bool operator==(const ChunkKey&) const = default;
};

// One group's word that all its ranks have arrived at an operation.
struct Announcement {
  uint32_t lane = 0;
  Signature signature;

  bool operator==(const Announcement&) const = default;
};

// The generation is over, and why.
struct AbortNotice {
  uint64_t generation = 0;
  Failure failure;
};

// What arrived; dropping it returns its slot, and with it the sender's credit.
struct Received {
  ChunkKey key;
  Flow flow = Flow::Contribution;
  std::span<const std::byte> payload;
  Pin slot;
};

// Why a link carries nothing any more, until it is attached again.
struct Loss {
  enum class Reason {
    Closed,     // the peer's end of the stream, or an error of it
    Silent,     // nothing came for the time limit, not even a keep-alive
    Malformed,  // a frame that breaks docs/wire-format.md
    Corrupt,    // a checksum did not match
    Replaced,   // attached again while the old connection was still thought well
    Local,      // close() was called, or this end has no memory for what came
  };
  Reason reason = Reason::Closed;
  // A sentence's worth of detail: "a header of 70000 bytes".
  std::string detail;
};

struct LinkOptions {
  size_t chunkBytes = 256 * 1024;
  // Chunks of each flow that may be on their way or unconsumed.
  size_t window = 16;
  // Without traffic a keep-alive is sent this often …
  std::chrono::milliseconds keepAlive{1000};
  // … and a peer that is silent for this long is lost.
  std::chrono::milliseconds silence{10000};
};

// All must be set. Called on one thread of the link's own, one after the other;
// must not block for long, and not call close() or attach(). Of a connection
// that is lost nothing comes after its loss.
struct LinkEvents {
  std::function<void(Received)> chunk;
  std::function<void(const Announcement&)> announcement;
  std::function<void(const AbortNotice&)> abort;
  // Once for each connection that was attached.
  std::function<void(const Loss&)> lost;
};

// One authenticated connection to a peer group, for as long as both live:
// connections may be lost and attached again without losing or doubling a frame.
//
// Frames are numbered in each direction. A frame is kept by its sender until
// the peer has acknowledged it, and resent after a new attachment from where
// the peer stopped receiving.
class Link {
 public:
  virtual ~Link() = default;

  // Takes over a connected stream socket whose handshake is through (owned from
  // here on). `early`: what was already read from it behind the handshake.
  // `peerReceived`: frames that the peer had received, from its handshake.
  // Throws std::invalid_argument, with the socket closed, when the peer claims
  // more than was sent, and std::system_error when the system gives no threads.
  // After close() it only closes the socket.
  virtual void attach(int socket, std::span<const std::byte> early, uint64_t peerReceived) = 0;
  // Frames received in order so far; goes into the handshake of a new connection.
  virtual uint64_t received() const = 0;
  virtual bool attached() const = 0;

  // Any thread; queue and return. The payload must stay as it is until its pin
  // is dropped, which is when the peer has it (or the link is closed, or the
  // generation was dropped), and may be written for a moment longer if it is on
  // its way just then. `checksum` is its CRC-32C. At most chunkBytes.
  virtual void send(const ChunkKey& key, Flow flow, std::span<const std::byte> payload,
                    uint32_t checksum, Pin pin) = 0;
  virtual void announce(const Announcement& announcement) = 0;
  // Overtakes all chunks that are still queued.
  virtual void abort(const AbortNotice& notice) = 0;
  // Forgets queued and unacknowledged chunks of generations up to this one (an
  // empty frame keeps its number where it was sent already), and discards
  // chunks of them that still arrive, but for one that is just being delivered.
  virtual void drop(uint64_t generation) = 0;

  // Ends both threads, drops everything. Idempotent. Not from an event. What is
  // queued, aborts first, and a goodbye still go out as far as that takes no
  // wait; chunks that were received stay valid.
  virtual void close() = 0;

  // Most bytes of payload held at any time so far, for the tests of B3.
  virtual size_t peakBytes() const = 0;
};

// Both ends must have the same chunkBytes (1 MiB at most) and window.
// Throws std::invalid_argument.
std::shared_ptr<Link> openLink(const LinkOptions& options, LinkEvents events);

}  // namespace kaitian::wire
