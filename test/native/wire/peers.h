#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../check.h"
#include "core/wire/frame_reader.h"
#include "core/wire/link.h"
#include "samples.h"

// What links are tested against: a user that keeps what it is told, and a raw
// peer that says whatever the test wants.
namespace wire_test {

inline std::pair<int, int> connectedSockets() {
  int sockets[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
  return {sockets[0], sockets[1]};
}

// A user of a link: keeps what comes, and lets tests wait for it.
class User {
 public:
  explicit User(LinkOptions options = {}) {
    link = openLink(options, {
        [this](Received chunk) { onChunk(std::move(chunk)); },
        [this](const Announcement& one) { add([&] { announcements.push_back(one); }); },
        [this](const AbortNotice& one) {
          add([&] { aborts.push_back({one.generation, chunksBefore()}); });
        },
        [this](const Loss& one) { add([&] { losses.push_back(one); }); },
    });
  }
  ~User() { link->close(); }

  struct Chunk {
    ChunkKey key;
    Bytes payload;
  };
  struct Abort {
    uint64_t generation;
    // Chunks that had come before it.
    size_t chunksBefore;
  };

  // `condition` looks at this object, under its lock.
  void waitUntil(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex);
    CHECK(changed.wait_for(lock, kLongEnough, condition));
  }

  Loss waitForLoss(size_t earlier = 0) {
    waitUntil([&] { return losses.size() > earlier; });
    const std::lock_guard lock(mutex);
    CHECK(!link->attached());
    return losses[earlier];
  }

  // Drops what is held; the rest is no longer held.
  void letGo() {
    std::vector<Pin> dropped;
    const std::lock_guard lock(mutex);
    holding = false;
    dropped.swap(held);
  }

  size_t chunksBefore() const {
    size_t count = 0;
    for (const auto& flow : chunks) count += flow.size();
    return count;
  }

  std::shared_ptr<Link> link;
  std::mutex mutex;
  std::condition_variable changed;
  // Chunks stay unconsumed while it is set.
  bool holding = false;
  // Where set, takes the pins instead, on the link's thread.
  std::function<void(Pin)> consume;
  std::vector<Pin> held;
  std::vector<Chunk> chunks[kFlows];
  std::vector<Announcement> announcements;
  std::vector<Abort> aborts;
  std::vector<Loss> losses;

 private:
  void add(const std::function<void()>& keep) {
    const std::lock_guard lock(mutex);
    keep();
    changed.notify_all();
  }

  void onChunk(Received chunk) {
    add([&] {
      CHECK(reinterpret_cast<uintptr_t>(chunk.payload.data()) % 64 == 0);
      chunks[static_cast<size_t>(chunk.flow)].push_back(
          {chunk.key, {chunk.payload.begin(), chunk.payload.end()}});
      if (holding) held.push_back(chunk.slot);
    });
    if (consume) consume(std::move(chunk.slot));
  }
};

// Payload and key of chunk `index`, which carry it.
inline Bytes payloadOf(size_t index, size_t bytes) {
  Bytes payload(bytes);
  for (size_t i = 0; i < bytes; ++i) {
    payload[i] = static_cast<std::byte>(index * 31 + i * 7 + i / 251);
  }
  return payload;
}

inline ChunkKey keyOf(size_t index, uint64_t generation = 1) {
  return {generation, static_cast<uint32_t>(index % 3), index, index * index};
}

// Counts pins that are not dropped yet.
struct Pins {
  std::shared_ptr<std::atomic<size_t>> count = std::make_shared<std::atomic<size_t>>(0);

  Pin pin(std::shared_ptr<Bytes> payload) const {
    ++*count;
    return Pin(payload.get(), [count = count, payload](void*) { --*count; });
  }
  void waitUntil(size_t left) const {
    const auto limit = std::chrono::steady_clock::now() + kLongEnough;
    while (*count > left) {
      CHECK(std::chrono::steady_clock::now() < limit);
      std::this_thread::yield();
    }
  }
};

inline void sendChunk(Link& link, Flow flow, size_t index, size_t bytes, const Pins& pins = {},
                      uint64_t generation = 1) {
  const auto payload = std::make_shared<Bytes>(payloadOf(index, bytes));
  link.send(keyOf(index, generation), flow, *payload, crc32c(0, payload->data(), bytes),
            pins.pin(payload));
}

// The other end of a link's socket, in the test's hands.
class RawPeer {
 public:
  explicit RawPeer(int descriptor) : descriptor_(descriptor), reader_([this](auto&, size_t bytes) {
    payload_.resize(bytes);
    return payload_.data();
  }) {}
  ~RawPeer() { end(); }

  void end() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

  // Reads what every connection begins with: unread, it would make this a reset.
  void endAfterAck() {
    CHECK(next());
    end();
  }

  void send(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      // The link may have seen enough.
      if (sent < 0) return;
      bytes = bytes.subspan(static_cast<size_t>(sent));
    }
  }

  // Waits for bytes, and reads them; false at the end of the stream.
  bool hear() {
    std::byte bytes[4096];
    const size_t wanted = std::min(sizeof(bytes), room());
    pollfd waited{descriptor_, POLLIN, 0};
    CHECK(poll(&waited, 1, 60'000) == 1);
    const ssize_t read = ::recv(descriptor_, bytes, wanted, 0);
    if (read <= 0) return false;
    CHECK(reader_.copy({bytes, static_cast<size_t>(read)}) == static_cast<size_t>(read));
    return true;
  }

  // The next frame other than a keep-alive; none at the end of the stream.
  std::optional<Header> next() {
    for (;;) {
      if (auto frame = reader_.next()) {
        if (std::holds_alternative<PingFrame>(frame->header)) continue;
        return frame->header;
      }
      if (!hear()) return std::nullopt;
    }
  }

  // Whether a keep-alive comes.
  bool nextPing() {
    for (;;) {
      const auto frame = reader_.next();
      if (!frame && !hear()) return false;
      if (frame && std::holds_alternative<PingFrame>(frame->header)) return true;
    }
  }

  // The next frame other than acknowledgements.
  std::optional<Header> nextNumbered() {
    for (;;) {
      auto header = next();
      if (!header || !std::holds_alternative<AckFrame>(*header)) return header;
    }
  }

 private:
  size_t room() {
    size_t bytes = 0;
    for (const auto& piece : reader_.room()) bytes += piece.size();
    return bytes;
  }

  int descriptor_;
  Bytes payload_;
  FrameReader reader_;
};

}  // namespace wire_test
