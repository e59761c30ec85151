#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include "check.h"
#include "lane_host.h"

using namespace kaitian;

namespace {

// Its one native thread helps as soon as it is asked.
class Host : public QuietHost {
 public:
  // Asked by who waits awake, again and again.
  bool aborted() const override {
    awake = true;
    return false;
  }
  bool performsAtOnce() const override {
    if (looked) looked();
    return true;
  }
  bool perform(Lane&, Operation&, uint64_t, uint64_t) override { return ++performed > 0; }
  void offer(Lane& lane, uint64_t number) override {
    lane.help(number, 0);
    ++offers;
  }

  std::function<void()> looked;
  mutable std::atomic<bool> awake{false};
  std::atomic<int> performed{0};
  std::atomic<int> offers{0};
};

Arrival arrivalOf(Completion done) {
  Arrival arrival;
  arrival.signature.count = 100;
  arrival.done = std::move(done);
  return arrival;
}

}  // namespace

// Ranks that wait awake are not sent help; one that lets go in that very moment
// is, before there is anything to do.
TEST("C4 an operation that starts while the last thread that waits awake lets go is carried out") {
  Host host;
  Lane lane(host, 0, 4, {0, 1}, {{0, 0}, {1, 1}});
  std::promise<void> first;
  std::promise<void> second;
  int looks = 0;
  // The first look is that of the cut, the second that of who needs help.
  host.looked = [&] {
    if (++looks != 2) return;
    while (host.offers == 0 && host.performed == 0) std::this_thread::yield();
  };
  std::thread waits([&] {
    const Completion done = [&](const Failure*) { first.set_value(); };
    const Patience patience(std::chrono::milliseconds(50), true);
    const auto later = [&] { return done; };
    if (lane.attend(0, arrivalOf(nullptr), patience, later) == Outcome::Done) done(nullptr);
  });
  while (!host.awake) std::this_thread::yield();
  lane.arrive(1, arrivalOf([&](const Failure*) { second.set_value(); }));
  waits.join();
  CHECK(second.get_future().wait_for(kLongEnough) == std::future_status::ready);
  CHECK(first.get_future().wait_for(kLongEnough) == std::future_status::ready);
  CHECK(host.performed == 1);
}
