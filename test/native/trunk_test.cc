#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "check.h"
#include "core/span/trunk.h"
#include "wire/peers.h"

using namespace kaitian;

namespace {

class User : public TrunkUser {
 public:
  void onChunk(wire::Received) override {}
  void onAnnouncement(const wire::Announcement&) override { ++announced; }
  void onAbort(const wire::AbortNotice& notice) override { aborted.set_value(notice); }
  void onLost(const wire::Loss&) override {}

  size_t announced = 0;
  std::promise<wire::AbortNotice> aborted;
};

}  // namespace

TEST("B3 announcements of a generation to come are bounded, and who sends more is told") {
  constexpr uint64_t kGeneration = 3;
  constexpr size_t kKept = 65'536;
  User quick;
  User slow;
  Trunk to;
  Trunk from;
  const auto [one, other] = wire_test::connectedSockets();
  to.attach(one, {}, 0, [](const auto&) {});
  from.attach(other, {}, 0, [](const auto&) {});
  to.enter(kGeneration, quick);
  for (uint64_t i = 0; i <= kKept; ++i) {
    to.link().announce({0, {.sequence = i, .generation = kGeneration}});
  }
  const wire::AbortNotice told = quick.aborted.get_future().get();
  CHECK(told.generation == kGeneration);
  CHECK(std::get<Aborted>(told.failure).cause.find("ahead") != std::string::npos);
  from.enter(kGeneration, slow);
  CHECK(slow.announced == kKept);
  CHECK(slow.aborted.get_future().get().generation == kGeneration);
  to.exit(quick, Aborted{"over"}, true);
  from.exit(slow, Aborted{"over"}, true);
}

TEST("what another group announces in a generation that is over here, and followed, it is told") {
  User first;
  User second;
  User behind;
  Trunk to;
  Trunk from;
  const auto [one, other] = wire_test::connectedSockets();
  to.attach(one, {}, 0, [](const auto&) {});
  from.attach(other, {}, 0, [](const auto&) {});
  from.enter(5, behind);
  to.enter(5, first);
  // All went well here, so that nobody is told; the next generation begins at once.
  to.exit(first, Aborted{"over"}, true);
  to.enter(6, second);
  from.link().announce({0, {.sequence = 0, .generation = 5}});
  from.link().announce({0, {.sequence = 1, .generation = 5}});
  std::future<wire::AbortNotice> told = behind.aborted.get_future();
  CHECK(told.wait_for(wire_test::kLimit / 20) == std::future_status::ready);
  CHECK(told.get().generation == 5);
  to.exit(second, Aborted{"over"}, true);
  from.exit(behind, Aborted{"over"}, true);
}

TEST("the loss of a connection is never taken for that of the one that follows it") {
  Trunk trunk;
  auto [end, peer] = wire_test::connectedSockets();
  trunk.attach(end, {}, 0, [](const auto&) {});
  for (int i = 0; i < 3000; ++i) {
    ::close(peer);
    for (int spins = i % 300 * 20; spins > 0; --spins) std::atomic_signal_fence(std::memory_order_seq_cst);
    const auto [next, nextPeer] = wire_test::connectedSockets();
    peer = nextPeer;
    // Outlives this turn: it may be called late.
    const auto lost = std::make_shared<std::atomic<bool>>(false);
    trunk.attach(next, {}, 0, [lost](const auto& loss) {
      if (loss.reason == wire::Loss::Reason::Closed) *lost = true;
    });
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    CHECK(!*lost);
    CHECK(!trunk.gap());
  }
  ::close(peer);
}

TEST("what is announced in generation 0 before it has begun here is kept, too") {
  User quick;
  User slow;
  Trunk to;
  Trunk from;
  const auto [one, other] = wire_test::connectedSockets();
  to.attach(one, {}, 0, [](const auto&) {});
  from.attach(other, {}, 0, [](const auto&) {});
  to.enter(0, quick);
  to.link().announce({0, {.sequence = 0, .generation = 0}});
  while (from.link().received() == 0) std::this_thread::yield();
  // The frame is counted just before it is delivered.
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  from.enter(0, slow);
  CHECK(slow.announced == 1);
  to.exit(quick, Aborted{"over"}, true);
  from.exit(slow, Aborted{"over"}, true);
}
