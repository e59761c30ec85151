#include <atomic>
#include <future>
#include <system_error>
#include <thread>

#include "check.h"
#include "core/span/trunk.h"
#include "core/wire/frame.h"
#include "no_threads.h"
#include "wire/peers.h"

using namespace kaitian;

namespace {

class User : public TrunkUser {
 public:
  void onChunk(wire::Received) override {}
  void onAnnouncement(const wire::Announcement&) override { ++announced; }
  void onAbort(const wire::AbortNotice& notice) override { aborted.set_value(notice); }
  void onLost(const wire::Loss&) override {}

  wire::AbortNotice waitForAbort() {
    auto told = aborted.get_future();
    CHECK(told.wait_for(kLongEnough) == std::future_status::ready);
    return told.get();
  }

  std::atomic<size_t> announced{0};

 private:
  std::promise<wire::AbortNotice> aborted;
};

// The two ends of one way.
struct Trunks {
  Trunks() {
    const auto [one, other] = wire_test::connectedSockets();
    near.attach(one, {}, 0, [](const auto&) {});
    far.attach(other, {}, 0, [](const auto&) {});
  }

  Trunk near;
  Trunk far;
};

wire::Announcement announcementOf(uint64_t generation, uint64_t sequence = 0) {
  return {0, {.sequence = sequence, .generation = generation}};
}

}  // namespace

TEST("B3 announcements of a generation to come are bounded, and who sends more is told") {
  constexpr uint64_t kGeneration = 3;
  constexpr size_t kKept = 65'536;
  User quick;
  User slow;
  Trunks trunks;
  trunks.near.enter(kGeneration, quick);
  for (uint64_t i = 0; i <= kKept; ++i) {
    trunks.near.link().announce(announcementOf(kGeneration, i));
  }
  const wire::AbortNotice told = quick.waitForAbort();
  CHECK(told.generation == kGeneration);
  CHECK(std::get<Aborted>(told.failure).cause.find("ahead") != std::string::npos);
  trunks.far.enter(kGeneration, slow);
  CHECK(slow.announced == kKept);
  CHECK(slow.waitForAbort().generation == kGeneration);
  trunks.near.exit(quick, Aborted{"over"}, true);
  trunks.far.exit(slow, Aborted{"over"}, true);
}

TEST("what another group announces in a generation that is over here, and followed, it is told") {
  User first;
  User second;
  User behind;
  Trunks trunks;
  trunks.far.enter(5, behind);
  trunks.near.enter(5, first);
  // All went well here, so that nobody is told; the next generation begins at once.
  trunks.near.exit(first, Aborted{"over"}, true);
  trunks.near.enter(6, second);
  // Told twice it would break its promise.
  for (uint64_t i = 0; i < 2; ++i) trunks.far.link().announce(announcementOf(5, i));
  CHECK(behind.waitForAbort().generation == 5);
  trunks.near.exit(second, Aborted{"over"}, true);
  trunks.far.exit(behind, Aborted{"over"}, true);
}

TEST("the loss of a connection is never taken for that of the one that follows it") {
  Trunk trunk;
  auto [end, peer] = wire_test::connectedSockets();
  trunk.attach(end, {}, 0, [](const auto&) {});
  for (uint64_t turn = 1; turn <= 3000; ++turn) {
    ::close(peer);
    // Now before the reader has seen it, now behind.
    for (uint64_t spins = turn % 300 * 20; spins > 0; --spins) {
      std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    const auto [next, nextPeer] = wire_test::connectedSockets();
    peer = nextPeer;
    // Outlives this turn: it may be called late.
    const auto lost = std::make_shared<std::atomic<bool>>(false);
    trunk.attach(next, {}, 0, [lost](const auto& loss) {
      if (loss.reason == wire::Loss::Reason::Closed) *lost = true;
    });
    // What comes on the new connection is read behind the loss of the old one.
    std::vector<std::byte> frame;
    wire::encode(frame, wire::AnnounceFrame{turn, announcementOf(1, turn)});
    CHECK(::send(peer, frame.data(), frame.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(frame.size()));
    while (trunk.link().received() < turn) std::this_thread::yield();
    CHECK(!*lost);
    CHECK(!trunk.gap());
  }
  ::close(peer);
}

TEST("what is announced in generation 0 before it has begun here is kept, too") {
  User quick;
  User slow;
  Trunks trunks;
  trunks.near.enter(0, quick);
  trunks.near.link().announce(announcementOf(0));
  // A frame is counted before it is delivered, so with the second the first has been.
  trunks.near.link().announce(announcementOf(9));
  while (trunks.far.link().received() < 2) std::this_thread::yield();
  trunks.far.enter(0, slow);
  CHECK(slow.announced == 1);
  trunks.near.exit(quick, Aborted{"over"}, true);
  trunks.far.exit(slow, Aborted{"over"}, true);
}

TEST("a connection for which the system gives no threads is refused, and the next one taken") {
  Trunk trunk;
  bool refused = false;
  {
    const NoThreads none;
    const auto [end, peer] = wire_test::connectedSockets();
    try {
      trunk.attach(end, {}, 0, [](const auto&) {});
    } catch (const std::system_error&) {
      refused = true;
    }
    ::close(peer);
  }
  CHECK(refused);
  CHECK(!trunk.link().attached());
  CHECK(trunk.gap()->loss.reason == wire::Loss::Reason::Local);
  const auto [end, peer] = wire_test::connectedSockets();
  trunk.attach(end, {}, 0, [](const auto&) {});
  CHECK(trunk.link().attached());
  CHECK(!trunk.gap());
  ::close(peer);
}
