#include <atomic>
#include <future>
#include <thread>

#include "check.h"
#include "core/crew.h"
#include "lane_host.h"

using namespace kaitian;

namespace {

// Lets go of the first operation after its first step, and offers it again just
// before, as a thread does that starts what the crew has looked at too early.
class Host : public QuietHost {
 public:
  bool aborted() const override {
    return letsGo && std::this_thread::get_id() == *helper && letsGo.exchange(false);
  }
  bool perform(Lane& lane, Operation&, uint64_t number, uint64_t) override {
    if (++performed > 1) return true;
    helper = std::this_thread::get_id();
    offer(lane, number);
    letsGo = true;
    return true;
  }
  void offer(Lane& lane, uint64_t number) override { crew->offer(lane, number); }

  Crew* crew = nullptr;
  std::atomic<int> performed{0};

 private:
  std::optional<std::thread::id> helper;
  mutable std::atomic<bool> letsGo{false};
};

}  // namespace

TEST("C4 what is offered while the crew is at it is not forgotten with what was offered before") {
  Host host;
  std::atomic<bool> over{false};
  Crew crew(1, false,
            {[&] { return over.load(); }, [] { return false; },
             [] { return Clock::time_point::max(); }, [] {}});
  host.crew = &crew;
  Lane lane(host, 0, 4, {0}, {{0, 0}});
  std::promise<void> done;
  Arrival arrival;
  // Two steps.
  arrival.signature.count = 2048;
  arrival.done = [&](const Failure*) { done.set_value(); };
  CHECK(lane.arrive(0, std::move(arrival)) == Outcome::Pending);
  CHECK(done.get_future().wait_for(std::chrono::seconds(60)) == std::future_status::ready);
  CHECK(host.performed == 2);
  over = true;
  crew.ring();
  crew.join();
}
