#include "cases.h"
#include "check.h"
#include "cluster.h"

// How generations end between groups.

using namespace kaitian;
using namespace cases;

TEST("a group that is through with its last call lets the others finish it, and no more") {
  for (size_t round = 0; round < depth(10, 50); ++round) {
    std::vector<std::vector<float>> memory(2, std::vector<float>(1 << 16));
    Cluster cluster({.groups = {1, 1}});
    spawnRanks(2, [&](size_t rank) {
      float* const data = memory[rank].data();
      const Arrival arrival = arrivalOf(kCases[0], memory[rank].size(), data, data);
      CHECK(!callAndWait(cluster.of(rank), rank, arrival, false));
      if (rank == 0) return cluster.of(0).close();
      const auto failure = callAndWait(cluster.of(1), 1, arrival, false);
      CHECK(std::holds_alternative<Aborted>(*failure));
    });
  }
}

TEST("a group that closes in the midst of a call tells those who are in it") {
  Cluster cluster({.groups = {1, 1, 1}});
  std::vector<float> memory(64);
  std::promise<void> called;
  spawnRanks(3, [&](size_t rank) {
    if (rank == 2) {
      // Group 2 never calls, so that the others wait for it.
      called.get_future().wait();
      // Nor is it the announcement of group 1 that finds group 0 gone.
      while (cluster.trunk(0, 1).link().received() == 0) std::this_thread::yield();
      return cluster.of(0).close();
    }
    float* const data = memory.data() + 16 * rank;
    Arrival arrival = arrivalOf(kCases[0], 8, data, data);
    std::promise<bool> aborted;
    arrival.done = [&](const Failure* failure) {
      aborted.set_value(failure != nullptr && std::holds_alternative<Aborted>(*failure));
    };
    CHECK(cluster.of(rank).callLater(rank, std::move(arrival)) == Outcome::Pending);
    if (rank == 0) called.set_value();
    CHECK(aborted.get_future().get());
  });
}

TEST("a group that goes on to the next generation still gives the others its last data") {
  for (size_t round = 0; round < depth(4, 20); ++round) {
    const auto [one, other] = wire_test::connectedSockets();
    const std::vector trunks{std::make_shared<Trunk>(), std::make_shared<Trunk>()};
    trunks[0]->attach(one, {}, 0, [](const auto&) {});
    trunks[1]->attach(other, {}, 0, [](const auto&) {});
    const auto make = [&](size_t group, uint64_t generation) {
      CommunicatorOptions options;
      options.groups = Groups({1, 1});
      options.group = group;
      options.generation = generation;
      options.deadline = kLongEnough;
      options.trunks.resize(2);
      options.trunks[1 - group] = trunks[group];
      return std::make_unique<Communicator>(std::move(options));
    };
    std::vector<std::unique_ptr<Communicator>> now;
    now.push_back(make(0, 1));
    now.push_back(make(1, 1));
    std::unique_ptr<Communicator> next;
    spawnRanks(2, [&](size_t rank) {
      std::vector<float> memory(1 << 20, static_cast<float>(rank));
      // Broadcast, of rank 1.
      const Arrival arrival = arrivalOf(kCases[2], memory.size(), memory.data(), memory.data());
      CHECK(!callAndWait(*now[rank], rank, arrival, false));
      CHECK(memory.back() == 1.0f);
      if (rank == 0) return;
      now[1]->close();
      next = make(1, 2);
    });
    now.clear();
    next.reset();
    for (const auto& trunk : trunks) trunk->close();
  }
}
