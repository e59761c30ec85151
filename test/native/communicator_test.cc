#include <atomic>
#include <barrier>

#include "check.h"
#include "group.h"

using namespace kaitian;
using std::chrono::milliseconds;

TEST("C2 ranks that rewrite their parts between operations always see the sum of all") {
  const size_t steps = depth(60, 300);
  for (const size_t ranks : {1, 2, 4}) {
    Group group(ranks, 3000);
    // The leader is rank 0's thread; the barrier's phase hands its result to all.
    std::barrier phase(static_cast<std::ptrdiff_t>(ranks));
    spawnRanks(ranks, [&](size_t rank) {
      for (size_t step = 0; step < steps; ++step) {
        for (float& value : group.part(rank)) value = static_cast<float>(step + rank);
        CHECK(group->ready(rank, group.signature(step)) == Outcome::Pending);
        if (rank == 0) CHECK(!group.issue(group.signature(step)).get());
        phase.arrive_and_wait();
        const float expected = static_cast<float>(step * ranks + ranks * (ranks - 1) / 2);
        for (const float value : group.part(rank)) CHECK(value == expected);
        phase.arrive_and_wait();
      }
    });
  }
}

TEST("operations issued ahead run in sequence while ranks mark them in their own time") {
  constexpr uint64_t kOperations = 200;
  Group group(3, 64);
  for (size_t rank = 0; rank < 3; ++rank) group.part(rank).assign(64, rank == 0 ? 1.0f : 0.0f);
  std::vector<std::future<std::optional<Failure>>> results;
  for (uint64_t i = 0; i < kOperations; ++i) {
    Signature signature = group.signature(i);
    signature.count = 1;
    signature.offset = i % 64;
    results.push_back(group.issue(signature));
  }
  spawnRanks(3, [&](size_t rank) {
    for (uint64_t i = 0; i < kOperations; ++i) {
      Signature signature = group.signature(i);
      signature.count = 1;
      signature.offset = i % 64;
      CHECK(group->ready(rank, signature) == Outcome::Pending);
    }
  });
  for (auto& result : results) CHECK(!result.get());
  // 64 cells, tripled once per visit after the first: 200 = 3·64 + 8.
  CHECK(group.part(2)[0] == 27.0f && group.part(1)[63] == 9.0f);
}

TEST("C3 the member that differs is named, and no data moves") {
  Group group(3, 8);
  group.part(0).assign(8, 1.0f);
  auto result = group.issue(group.signature());
  spawnRanks(3, [&](size_t rank) {
    Signature signature = group.signature();
    if (rank == 1) signature.count = 4;
    CHECK(group->ready(rank, signature) == Outcome::Pending);
  });
  const Mismatch mismatch = std::get<Mismatch>(*result.get());
  CHECK(mismatch.differing.size() == 1 && mismatch.differing[0].rank == 1);
  CHECK(mismatch.expected == group.signature());
  CHECK(group.part(2)[0] == 0.0f);
}

TEST("C3 the leader is named when it differs from all members") {
  Group group(2, 8);
  Signature odd = group.signature();
  odd.generation = 6;
  auto result = group.issue(odd);
  spawnRanks(2, [&](size_t rank) { CHECK(group->ready(rank, group.signature()) == Outcome::Pending); });
  const Mismatch mismatch = std::get<Mismatch>(*result.get());
  CHECK(mismatch.differing.size() == 1 && mismatch.differing[0].rank == leaderOf(0));
}

TEST("C4 the deadline names who is missing") {
  Group group(3, 8, milliseconds(30));
  CHECK(group->ready(0, group.signature()) == Outcome::Pending);
  const DeadlineExceeded failure =
      std::get<DeadlineExceeded>(*group.issue(group.signature()).get());
  CHECK((failure.missing == std::vector<int>{1, 2}) && failure.deadlineMs == 30);
}

TEST("C4 a rank that leaves unmarked is named at once, one that marked before is summed") {
  Group group(2, 8);
  group.part(1).assign(8, 5.0f);
  std::thread member([&] {
    CHECK(group->ready(1, group.signature()) == Outcome::Pending);
    group->leave(1);
  });
  auto first = group.issue(group.signature());
  auto second = group.issue(group.signature(1));
  CHECK(group->ready(0, group.signature()) == Outcome::Pending);
  CHECK(!first.get());
  group->ready(0, group.signature(1));
  CHECK(std::get<PeersLeft>(*second.get()).missing == std::vector<int>{1});
  member.join();
  CHECK(group.part(0)[7] == 5.0f);
}

TEST("abort from any thread ends the wait; the first cause stays; late marks are harmless") {
  for (size_t round = 0; round < depth(20, 100); ++round) {
    Group group(2, 8);
    auto result = group.issue(group.signature());
    std::atomic<int> winners{0};
    spawnRanks(4, [&](size_t thread) {
      if (thread < 2) {
        group->abort(Aborted{"thread " + std::to_string(thread)});
        ++winners;
      } else {
        group->ready(thread - 2, group.signature());
      }
    });
    const std::optional<Failure> outcome = result.get();
    const std::string cause = std::get<Aborted>(*group->failure()).cause;
    // Both ranks may have marked before the first abort: then the sum stands.
    if (outcome) CHECK(std::get<Aborted>(*outcome).cause == cause);
    CHECK(group->ready(0, group.signature(1)) == Outcome::Failed);
    CHECK(std::get<Aborted>(*group.issue(group.signature(1)).get()).cause == cause);
  }
}

TEST("abort stops a long sum, and close returns only when nobody writes any more") {
  for (size_t round = 0; round < depth(4, 20); ++round) {
    Group group(2, 1 << 20);
    auto result = group.issue(group.signature());
    spawnRanks(2, [&](size_t rank) { group->ready(rank, group.signature()); });
    group->close();
    result.get();
    // Under the thread sanitizer a write of the communicator's would race with this.
    group.part(0).assign(8, 0.0f);
  }
}

TEST("memory whose owner is gone stays valid until close") {
  Group group(2, 1 << 16);
  const auto watched = group.forget(1);
  auto result = group.issue(group.signature());
  spawnRanks(2, [&](size_t rank) { CHECK(group->ready(rank, group.signature()) == Outcome::Pending); });
  CHECK(!result.get());
  CHECK(!watched.expired());
  group->close();
  CHECK(watched.expired());
}

TEST("whenEnded calls back once, before or after the end") {
  Group group(1, 8);
  std::promise<void> early;
  group->whenEnded([&] { early.set_value(); });
  group->abort(Aborted{"enough"});
  early.get_future().get();
  std::promise<void> late;
  group->whenEnded([&] { late.set_value(); });
  late.get_future().get();
}

TEST("a rank joins once, and is told when it runs too far ahead") {
  constexpr uint64_t kAhead = 256;
  Group group(1, 8);
  CHECK(group->join(0) && !group->join(0));
  for (uint64_t i = 0; i < kAhead; ++i) CHECK(group->ready(0, group.signature(i)) == Outcome::Pending);
  CHECK(group->ready(0, group.signature(kAhead)) == Outcome::TooFar);
  CHECK(!group.issue(group.signature(0)).get());
  CHECK(group->ready(0, group.signature(kAhead)) == Outcome::Pending);
}

TEST("an abort while a rank sits down on a seat that was used before tells it once") {
  for (size_t round = 0; round < depth(100, 1000); ++round) {
    CommunicatorOptions options;
    options.deadline = kLongEnough;
    Communicator communicator(std::move(options));
    // More than a lane has places.
    const size_t before = 70 + round % 64;
    std::atomic<size_t> calls{0};
    std::atomic<size_t> told{0};
    std::thread rank([&] {
      for (;;) {
        Arrival arrival;
        arrival.signature.collective = Collective::Barrier;
        // As large as one that a function has on the heap.
        arrival.done = [&told, one = std::make_shared<size_t>(1)](const Failure*) { told += *one; };
        if (communicator.callLater(0, std::move(arrival)) != Outcome::Pending) return;
        ++calls;
      }
    });
    while (calls < before) std::this_thread::yield();
    communicator.abort(Aborted{"enough"});
    rank.join();
    CHECK(told == calls);
  }
}
