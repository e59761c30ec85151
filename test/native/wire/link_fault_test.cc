#include <cstring>
#include <future>
#include <new>
#include <thread>

#include "core/bell.h"
#include "peers.h"

using namespace wire_test;

// What a link makes of peers that do not keep to the format, or leave.

namespace {

constexpr size_t kChunkBytes = 1000;
constexpr size_t kWindow = 4;

LinkOptions options() {
  LinkOptions options;
  options.chunkBytes = kChunkBytes;
  options.window = kWindow;
  return options;
}

// A link that is attached to a raw peer.
struct Attached {
  explicit Attached(const LinkOptions& with = options()) : user(with) { attach(); }

  void attach(uint64_t peerReceived = 0) {
    const auto [ours, theirs] = connectedSockets();
    peer = std::make_unique<RawPeer>(theirs);
    user.link->attach(ours, {}, peerReceived);
  }

  User user;
  std::unique_ptr<RawPeer> peer;
};

Bytes chunk(uint64_t number, size_t index, Flow flow = Flow::Contribution, size_t bytes = 100,
            uint64_t generation = 1) {
  const Bytes payload = payloadOf(index, bytes);
  return encoded(ChunkFrame{number, keyOf(index, generation), flow,
                            crc32c(0, payload.data(), payload.size())},
                 payload);
}

Loss afterSending(const Bytes& bytes, size_t chunksBefore = 0) {
  Attached attached;
  attached.peer->send(bytes);
  const Loss loss = attached.user.waitForLoss();
  CHECK(attached.user.chunksBefore() == chunksBefore);
  // And closed, with nothing but acknowledgements said.
  CHECK(!attached.peer->nextNumbered());
  return loss;
}

Bytes operator+(Bytes one, const Bytes& other) {
  one.insert(one.end(), other.begin(), other.end());
  return one;
}

}  // namespace

TEST("a chunk whose payload is damaged is not delivered") {
  Bytes damaged = chunk(2, 1);
  damaged.back() ^= std::byte{1};
  const Loss loss = afterSending(chunk(1, 0) + damaged, 1);
  CHECK(loss.reason == Loss::Reason::Corrupt);
  CHECK(loss.detail == "a payload whose checksum does not match");
}

TEST("a damaged chunk may come again on the next connection") {
  Attached attached;
  Bytes damaged = chunk(1, 0);
  damaged.back() ^= std::byte{1};
  attached.peer->send(damaged);
  CHECK(attached.user.waitForLoss().reason == Loss::Reason::Corrupt);
  CHECK(attached.user.link->received() == 0);
  attached.attach();
  attached.peer->send(chunk(1, 0));
  attached.user.waitUntil([&] { return attached.user.chunksBefore() == 1; });
  CHECK(attached.user.chunks[0][0].payload == payloadOf(0, 100));
}

TEST("B2 streams that are not of the format are refused") {
  const auto refused = [](const Bytes& bytes, const std::string& detail) {
    const Loss loss = afterSending(bytes);
    CHECK(loss.reason == Loss::Reason::Malformed);
    CHECK(loss.detail == detail);
  };
  const Bytes ping = encoded(PingFrame{});
  const auto with = [&](size_t at, int value) {
    Bytes changed = ping;
    changed[at] = static_cast<std::byte>(value);
    return changed;
  };
  Random random(9);
  refused(randomBytes(1000, random), "something that is not a frame");
  refused(with(3, 1), "a frame of version 1 of the wire format");
  refused(with(6, 1), "a header of 65538 bytes");
  refused(with(11, 1), "a payload of 16777216 bytes");
  refused(encoded(PingFrame{}, Bytes(5)), "a payload behind a frame that has none");
  refused(chunk(1, 0, Flow::Result, kChunkBytes + 1), "a chunk of 1001 bytes");
  refused(encoded(AckFrame{1, {0, 0}}), "an acknowledgement of frames that were not sent");
  refused(encoded(AckFrame{0, {1, 0}}), "an acknowledgement of chunks that were not sent");
  refused(chunk(2, 0), "frame 2 behind frame 0");
  const Bytes announcement = encoded(AnnounceFrame{1, {}});
  refused(announcement + announcement, "frame 1 behind frame 1");
}

TEST("a stream that ends is a link that is closed") {
  for (const size_t missing : {100, 99, 101, 1}) {
    Attached attached;
    Bytes bytes = chunk(1, 0);
    bytes.resize(bytes.size() - missing);
    attached.peer->send(bytes);
    attached.peer->endAfterAck();
    const Loss loss = attached.user.waitForLoss();
    CHECK(loss.reason == Loss::Reason::Closed);
    CHECK(loss.detail == "the stream ended within a frame");
    CHECK(attached.user.chunksBefore() == 0);
  }
  Attached attached;
  attached.peer->endAfterAck();
  CHECK(attached.user.waitForLoss().detail == "the stream ended");
  attached.attach();
  attached.peer->send(encoded(ByeFrame{}));
  CHECK(attached.user.waitForLoss(1).detail == "the peer closed the link");
}

TEST("B3 a peer that sends beyond the window is refused, whatever it sends") {
  Attached attached;
  attached.user.holding = true;
  Bytes bytes;
  for (size_t i = 0; i <= kWindow; ++i) bytes = bytes + chunk(i + 1, i);
  attached.peer->send(bytes);
  const Loss loss = attached.user.waitForLoss();
  CHECK(loss.reason == Loss::Reason::Malformed && loss.detail == "a chunk beyond the window");
  CHECK(attached.user.chunksBefore() == kWindow);
  // The other flow has a window of its own.
  attached.attach();
  bytes.clear();
  for (size_t i = 0; i <= kWindow; ++i) {
    const uint64_t number = kWindow + i + 1;
    bytes = bytes + (i < kWindow ? chunk(number, i, Flow::Result)
                                 : encoded(EmptyFrame{number, Flow::Result}));
  }
  attached.peer->send(bytes);
  CHECK(attached.user.waitForLoss(1).detail == "a chunk beyond the window");
  CHECK(attached.user.chunksBefore() == 2 * kWindow);
  CHECK(attached.user.link->peakBytes() == 2 * kWindow * kChunkBytes);
}

TEST("a peer that says nothing is lost, one that only keeps alive is not") {
  LinkOptions quick = options();
  quick.keepAlive = std::chrono::milliseconds(20);
  quick.silence = std::chrono::milliseconds(300);
  {
    Attached attached(quick);
    const auto start = Clock::now();
    const Loss loss = attached.user.waitForLoss();
    CHECK(loss.reason == Loss::Reason::Silent && loss.detail == "nothing came for 300 ms");
    CHECK(Clock::now() - start >= quick.silence);
  }
  // As long as a crowded machine may keep one of the two waiting.
  quick.silence = std::chrono::milliseconds(2000);
  Attached attached(quick);
  const auto until = Clock::now() + 2 * quick.silence;
  std::thread quiet([&] {
    // Hears the link's keep-alives, and answers them.
    RawPeer& peer = *attached.peer;
    while (Clock::now() < until && peer.nextPing()) peer.send(encoded(PingFrame{}));
  });
  quiet.join();
  const std::lock_guard lock(attached.user.mutex);
  CHECK(attached.user.losses.empty());
}

TEST("B3 a reader that holds on stops the sender at the window, without growing") {
  constexpr size_t kCount = 50;
  User sender(options());
  User reader(options());
  reader.holding = true;
  const auto [left, right] = connectedSockets();
  sender.link->attach(left, {}, 0);
  reader.link->attach(right, {}, 0);
  const Pins pins;
  for (size_t i = 0; i < kCount; ++i) {
    sendChunk(*sender.link, Flow::Contribution, i, kChunkBytes, pins);
  }
  reader.waitUntil([&] { return reader.chunks[0].size() == kWindow; });
  // Received is acknowledged; consumed is not. A result overtakes what waits.
  pins.waitUntil(kCount - kWindow);
  sendChunk(*sender.link, Flow::Result, 0, 1);
  reader.waitUntil([&] { return reader.chunks[static_cast<size_t>(Flow::Result)].size() == 1; });
  CHECK(reader.chunks[0].size() == kWindow);
  CHECK(*pins.count == kCount - kWindow);
  CHECK(reader.link->peakBytes() <= (kWindow + 1) * kChunkBytes);
  reader.letGo();
  reader.waitUntil([&] { return reader.chunks[0].size() == kCount; });
  for (size_t i = 0; i < kCount; ++i) CHECK(reader.chunks[0][i].key == keyOf(i));
  CHECK(reader.link->peakBytes() <= 2 * kWindow * kChunkBytes);
}

TEST("chunks outlive the link that they came over") {
  std::vector<Pin> held;
  {
    Attached attached;
    attached.user.holding = true;
    attached.peer->send(chunk(1, 0) + chunk(2, 1));
    attached.user.waitUntil([&] { return attached.user.held.size() == 2; });
    held.swap(attached.user.held);
  }
  const Bytes expected = payloadOf(1, 100);
  CHECK(std::memcmp(held[1].get(), expected.data(), expected.size()) == 0);
}

TEST("a link whose user has no memory for what comes is lost, and ends no process") {
  std::promise<Loss> lost;
  const auto link = openLink(options(), {[](Received) { throw std::bad_alloc(); },
                                         [](const auto&) {}, [](const auto&) {},
                                         [&](const Loss& loss) { lost.set_value(loss); }});
  const auto [ours, theirs] = connectedSockets();
  RawPeer peer(theirs);
  link->attach(ours, {}, 0);
  peer.send(chunk(1, 0));
  CHECK(lost.get_future().get().reason == Loss::Reason::Local);
  link->close();
}
