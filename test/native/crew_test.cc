#include <atomic>
#include <future>
#include <new>
#include <string>
#include <thread>

#include "check.h"
#include "core/crew.h"
#include "group.h"
#include "lane_host.h"
#include "no_threads.h"

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
             [] { return Clock::time_point::max(); }, [] {}, [](const std::string&) {}});
  host.crew = &crew;
  Lane lane(host, 0, 4, {0}, {{0, 0}});
  std::promise<void> done;
  Arrival arrival;
  // Two steps.
  arrival.signature.count = 2048;
  arrival.done = [&](const Failure*) { done.set_value(); };
  CHECK(lane.arrive(0, std::move(arrival)) == Outcome::Pending);
  CHECK(done.get_future().wait_for(kLongEnough) == std::future_status::ready);
  CHECK(host.performed == 2);
  over = true;
  crew.ring();
  crew.join();
}

TEST("a native thread that cannot go on says why, and ends no process") {
  class Exhausted : public QuietHost {
   public:
    bool perform(Lane&, Operation&, uint64_t, uint64_t) override { throw std::bad_alloc(); }
    void offer(Lane& lane, uint64_t number) override { crew->offer(lane, number); }
    Crew* crew = nullptr;
  };
  Exhausted host;
  std::atomic<bool> over{false};
  std::promise<std::string> failed;
  std::promise<void> ended;
  Crew crew(1, false,
            {[&] { return over.load(); }, [] { return false; },
             [] { return Clock::time_point::max(); }, [&] { ended.set_value(); },
             [&](const std::string& why) {
               over = true;
               failed.set_value(why);
             }});
  host.crew = &crew;
  Lane lane(host, 0, 4, {0}, {{0, 0}});
  Arrival arrival;
  arrival.signature.count = 16;
  arrival.done = [](const Failure*) {};
  CHECK(lane.arrive(0, std::move(arrival)) == Outcome::Pending);
  CHECK(failed.get_future().get().find("bad_alloc") != std::string::npos);
  ended.get_future().get();
  crew.join();
}

TEST("where the system gives no threads an operation fails, and its end is told") {
  Group group(2, 17);
  {
    const NoThreads none;
    const auto failure = group.issue(group.signature()).get();
    CHECK(failure);
    CHECK(std::get<Aborted>(*failure).cause.find("no more threads") != std::string::npos);
  }
  std::atomic<bool> ended{false};
  group->whenEnded([&] { ended = true; });
  CHECK(ended);
  group->leave(0);
  group->close();
}
