#include <stdexcept>
#include <thread>

#include "peers.h"

using namespace wire_test;

// Aborts, drops, attachments and ends of links.

namespace {

LinkOptions options(size_t window = 4) {
  LinkOptions options;
  options.chunkBytes = 64 * 1024;
  options.window = window;
  return options;
}

std::unique_ptr<RawPeer> attachTo(Link& link, uint64_t peerReceived = 0) {
  const auto [ours, theirs] = connectedSockets();
  link.attach(ours, {}, peerReceived);
  return std::make_unique<RawPeer>(theirs);
}

template <typename T>
T nextOf(RawPeer& peer) {
  const auto header = peer.nextNumbered();
  CHECK(header && std::holds_alternative<T>(*header));
  return std::get<T>(*header);
}

void checkRefusal(const std::function<void()>& call) {
  try {
    call();
    CHECK(false);
  } catch (const std::invalid_argument&) {
  }
}

}  // namespace

TEST("an abort overtakes the chunks that are queued, and is numbered when it is sent") {
  User user(options());
  for (size_t i = 0; i < 10; ++i) sendChunk(*user.link, Flow::Contribution, i, 1000);
  user.link->announce({1, {}});
  user.link->abort({6, PeersLeft{0, 3, {1, 2}}});
  const auto peer = attachTo(*user.link);
  const AbortFrame abort = nextOf<AbortFrame>(*peer);
  CHECK(abort.number == 1 && abort.notice.generation == 6);
  CHECK((std::get<PeersLeft>(abort.notice.failure).missing == std::vector{1, 2}));
  CHECK(nextOf<AnnounceFrame>(*peer).number == 2);
  for (size_t i = 0; i < 4; ++i) {
    const ChunkFrame chunk = nextOf<ChunkFrame>(*peer);
    CHECK(chunk.number == 3 + i && chunk.key == keyOf(i));
  }
  // The window is full now, which does not hold up another abort.
  user.link->abort({7, Aborted{"again"}});
  CHECK(nextOf<AbortFrame>(*peer).number == 7);
  peer->send(encoded(AckFrame{7, {1, 0}}));
  CHECK(nextOf<ChunkFrame>(*peer).key == keyOf(4));
}

TEST("after a loss what is missing comes first, in order, then what is new") {
  User user(options());
  const Pins pins;
  for (size_t i = 0; i < 3; ++i) sendChunk(*user.link, Flow::Result, i, 1000, pins);
  auto peer = attachTo(*user.link);
  for (size_t i = 0; i < 3; ++i) CHECK(nextOf<ChunkFrame>(*peer).number == i + 1);
  peer->end();
  user.waitForLoss();
  CHECK(*pins.count == 3);
  user.link->abort({1, Aborted{"new"}});
  peer = attachTo(*user.link, 1);
  // A thread that has just written it may hold the first one a moment longer.
  pins.waitUntil(2);
  CHECK(nextOf<ChunkFrame>(*peer).number == 2);
  CHECK(nextOf<ChunkFrame>(*peer).number == 3);
  CHECK(nextOf<AbortFrame>(*peer).number == 4);
  peer->send(encoded(AckFrame{4, {0, 0, 3}}));
  pins.waitUntil(0);
  checkRefusal([&] { attachTo(*user.link, 5); });
  CHECK(user.link->attached());
}

TEST("what is attached anew replaces the connection before, and may repeat frames") {
  User user(options());
  const auto old = attachTo(*user.link);
  old->send(encoded(AnnounceFrame{1, {1, {}}}));
  old->send(encoded(AnnounceFrame{2, {2, {}}}));
  user.waitUntil([&] { return user.announcements.size() == 2; });
  const auto peer = attachTo(*user.link);
  user.waitUntil([&] { return user.losses.size() == 1; });
  CHECK(user.losses[0].reason == Loss::Reason::Replaced);
  CHECK(!old->nextNumbered());
  peer->send(encoded(AnnounceFrame{2, {2, {}}}));
  peer->send(encoded(AnnounceFrame{3, {3, {}}}));
  user.waitUntil([&] { return user.announcements.size() == 3; });
  CHECK(user.announcements[2].lane == 3 && user.link->received() == 3);
  peer->send(encoded(AnnounceFrame{3, {3, {}}}));
  CHECK(user.waitForLoss(1).detail == "frame 3 behind frame 3");
}

TEST("what was read behind the handshake comes first") {
  User user(options());
  const auto [ours, theirs] = connectedSockets();
  RawPeer peer(theirs);
  Bytes bytes = encoded(AnnounceFrame{1, {1, {}}});
  const Bytes more = encoded(AnnounceFrame{2, {2, {}}});
  bytes.insert(bytes.end(), more.begin(), more.end());
  user.link->attach(ours, std::span(bytes).first(bytes.size() - 5), 0);
  peer.send(std::span(bytes).last(5));
  user.waitUntil([&] { return user.announcements.size() == 2; });
  CHECK(user.announcements[0].lane == 1 && user.announcements[1].lane == 2);
}

TEST("a dropped generation is neither sent nor resent nor delivered, and gives its credit back") {
  User user(options(4));
  const Pins pins;
  auto peer = attachTo(*user.link);
  for (size_t i = 0; i < 6; ++i) sendChunk(*user.link, Flow::Contribution, i, 100, pins, 1);
  sendChunk(*user.link, Flow::Contribution, 6, 100, pins, 2);
  for (size_t i = 0; i < 4; ++i) CHECK(nextOf<ChunkFrame>(*peer).key == keyOf(i));
  user.link->drop(1);
  pins.waitUntil(1);
  sendChunk(*user.link, Flow::Contribution, 7, 100, pins, 1);
  CHECK(*pins.count == 1);
  peer->end();
  user.waitForLoss();

  // Of the four that were written the peer has got one.
  peer = attachTo(*user.link, 1);
  for (size_t i = 2; i <= 4; ++i) {
    const EmptyFrame empty = nextOf<EmptyFrame>(*peer);
    CHECK(empty.number == i && empty.flow == Flow::Contribution);
  }
  peer->send(encoded(AckFrame{4, {4, 0}}));
  CHECK(nextOf<ChunkFrame>(*peer).key == keyOf(6, 2));

  const Bytes payload = payloadOf(1, 50);
  const uint32_t checksum = crc32c(0, payload.data(), payload.size());
  for (uint64_t number = 1; number <= 20; ++number) {
    const uint64_t generation = number < 20 ? 1 : 2;
    const ChunkFrame frame{number, keyOf(number, generation), Flow::Result, checksum};
    peer->send(encoded(frame, payload));
    // Keeps to its window: all are acknowledged, the dropped ones as consumed.
    for (bool consumed = false; !consumed;) {
      const auto header = peer->next();
      CHECK(header);
      const auto* ack = std::get_if<AckFrame>(&*header);
      consumed = ack && ack->received == number && ack->consumed[2] == number;
    }
  }
  const auto& results = user.chunks[static_cast<size_t>(Flow::Result)];
  CHECK(results.size() == 1 && results[0].key == keyOf(20, 2));
}

TEST("two links agree on credits after drops and losses") {
  Random random(10);
  for (size_t round = 0; round < depth(6, 30); ++round) {
    User one(options(3));
    User other(options(3));
    uint64_t generation = 1;
    for (int connection = 0; connection < 4; ++connection) {
      const auto [left, right] = connectedSockets();
      const uint64_t oneReceived = one.link->received();
      one.link->attach(left, {}, other.link->received());
      other.link->attach(right, {}, oneReceived);
      for (size_t i = random() % 20; i > 0; --i) {
        sendChunk(*one.link, static_cast<Flow>(random() % 2), i, 5000, {}, generation);
      }
      if (random() % 2) {
        one.link->drop(generation);
        if (random() % 2) other.link->drop(generation);
        ++generation;
      }
    }
    // Whatever came of those: the window must still be whole.
    const auto last = [&](User& user, Flow flow) {
      const auto& chunks = user.chunks[static_cast<size_t>(flow)];
      return !chunks.empty() && chunks.back().key == keyOf(99, 9);
    };
    for (const Flow flow : {Flow::Contribution, Flow::Result}) {
      for (size_t i = 90; i < 100; ++i) sendChunk(*one.link, flow, i, 10, {}, 9);
      other.waitUntil([&] { return last(other, flow) || other.losses.size() > 3; });
      CHECK(other.losses.size() <= 3);
    }
  }
}

TEST("a link closes at any moment, from any thread, and lets go of everything") {
  Random random(11);
  for (size_t round = 0; round < depth(30, 150); ++round) {
    const Pins pins;
    User one(options(1 + random() % 3));
    User other(options(2));
    const auto [left, right] = connectedSockets();
    std::thread sender([&] {
      for (size_t i = 0; i < 20; ++i) {
        sendChunk(*one.link, static_cast<Flow>(i % 2), i, 60'000, pins);
        if (i == 10) one.link->abort({1, Aborted{"x"}});
      }
    });
    std::thread attacher([&, left = left] { one.link->attach(left, {}, 0); });
    // A peer that reads, one that does not, and one that is gone.
    if (round % 3 == 0) other.link->attach(right, {}, 0);
    if (round % 3 == 1) ::close(right);
    std::thread closer([&] { one.link->close(); });
    for (size_t i = random() % 200; i > 0; --i) std::this_thread::yield();
    one.link->close();
    CHECK(!one.link->attached());
    closer.join();
    attacher.join();
    sender.join();
    CHECK(*pins.count == 0);
    CHECK(one.losses.size() <= 1);
    if (round % 3 == 2) ::close(right);
  }
}

TEST("what a peer said last is heard, though it can no longer be written to") {
  for (size_t round = 0; round < depth(10, 50); ++round) {
    User one(options());
    User other(options());
    const auto [left, right] = connectedSockets();
    one.link->attach(left, {}, 0);
    other.link->attach(right, {}, 0);
    for (size_t i = 0; i < 3; ++i) sendChunk(*other.link, Flow::Result, i, 60'000);
    one.link->abort({4, Aborted{"the reason"}});
    one.link->close();
    CHECK(other.waitForLoss().reason == Loss::Reason::Closed);
    CHECK(other.aborts.size() == 1 && other.aborts[0].generation == 4);
  }
}

TEST("a closed link says goodbye, and takes nothing more") {
  User user(options());
  const auto peer = attachTo(*user.link);
  user.link->close();
  CHECK(user.losses.size() == 1 && user.losses[0].reason == Loss::Reason::Local);
  const auto last = peer->nextNumbered();
  CHECK(last && std::holds_alternative<ByeFrame>(*last));
  CHECK(!peer->next());
  const Pins pins;
  sendChunk(*user.link, Flow::Result, 1, 1, pins);
  user.link->announce({});
  user.link->abort({});
  user.link->drop(1);
  CHECK(*pins.count == 0);
  CHECK(!attachTo(*user.link)->next());
  CHECK(!user.link->attached());
}

TEST("options and payloads beyond the format's are refused") {
  checkRefusal([] { openLink({.chunkBytes = 0}, {}); });
  checkRefusal([] { openLink({.chunkBytes = kPayloadBytes + 1}, {}); });
  checkRefusal([] { openLink({.window = 0}, {}); });
  User user(options());
  checkRefusal([&] { sendChunk(*user.link, Flow::Result, 1, 64 * 1024 + 1); });
}
