#include <cmath>

#include "cases.h"
#include "check.h"
#include "cluster.h"
#include "core/kernels/crc32c.h"

using namespace kaitian;
using namespace cases;
using std::chrono::milliseconds;

namespace {

// One call of every rank, with what each must hold after it.
void callAll(Cluster& cluster, const Case& one, size_t count, bool inPlace) {
  const size_t ranks = cluster.ranks();
  spawnRanks(ranks, [&](size_t rank) {
    const size_t sent = one.sendSize(ranks) * count;
    const size_t received = one.recvSize(ranks) * count;
    std::vector<float> memory(inPlace ? std::max(sent, received) : sent + received, -1.0f);
    float* const send = memory.data() + (inPlace && sent < received ? rank * count : 0);
    float* recv = memory.data() + sent;
    if (inPlace) recv = memory.data() + (received < sent ? rank * count : 0);
    for (size_t i = 0; i < sent; ++i) send[i] = valueOf(rank, i);
    CHECK(!callAndWait(cluster.of(rank), rank, arrivalOf(one, count, send, recv), false));
    for (size_t i = 0; i < received; ++i) {
      const float expected = one.expected(ranks, count, rank, i);
      if (expected != -1.0f) CHECK(recv[i] == expected);
    }
  });
}

}  // namespace

TEST("C1 C2 every collective over links gives every rank what it should") {
  Picker picks;
  for (const std::vector<size_t>& groups :
       {std::vector<size_t>{1, 1}, {2, 1}, {2, 2}, {3, 2, 1}, {1, 1, 1, 1}}) {
    Cluster cluster({.groups = groups});
    for (const Case& one : kCases) {
      for (const size_t count : {0, 1, 7, 1000, 40'001}) {
        for (const bool inPlace : {false, true}) {
          if (picks()) callAll(cluster, one, count, inPlace);
        }
      }
    }
  }
}

TEST("the bits are those of groups in one process, at both precisions of the wire") {
  constexpr size_t kCount = 30'011;
  for (const WirePrecision wire : {WirePrecision::Full, WirePrecision::Bf16}) {
    std::vector<std::vector<float>> results;
    for (const bool linked : {false, true}) {
      const std::vector<size_t> groups{2, 1, 1};
      Cluster cluster({.groups = groups, .wire = wire});
      CommunicatorOptions options;
      options.groups = Groups(groups);
      options.wire = wire;
      options.deadline = kLongEnough;
      Communicator together(std::move(options));
      std::vector<std::vector<float>> memory(4, std::vector<float>(kCount));
      spawnRanks(4, [&](size_t rank) {
        for (size_t i = 0; i < kCount; ++i) {
          memory[rank][i] = std::sin(static_cast<float>(i * 7 + rank * 13));
        }
        float* const data = memory[rank].data();
        Communicator& communicator = linked ? cluster.of(rank) : together;
        CHECK(!callAndWait(communicator, rank, arrivalOf(kCases[0], kCount, data, data), false));
      });
      for (auto& one : memory) results.push_back(std::move(one));
    }
    for (const auto& one : results) CHECK(one == results[0]);
  }
}

TEST("buckets, calls and messages run beside each other over links") {
  constexpr size_t kCount = 200'000;
  constexpr int kRounds = 5;
  Cluster cluster({.groups = {1, 1}});
  spawnRanks(4, [&](size_t thread) {
    const size_t rank = thread % 2;
    if (thread < 2) {
      for (int round = 0; round < kRounds; ++round) {
        std::vector<float> data(kCount, static_cast<float>(rank + 1));
        const Arrival arrival = arrivalOf(kCases[0], kCount, data.data(), data.data());
        CHECK(!callAndWait(cluster.of(rank), rank, arrival, true));
        for (const float value : data) CHECK(value == 3.0f);
      }
      return;
    }
    for (int round = 0; round < kRounds; ++round) {
      std::vector<float> data(kCount, static_cast<float>(round));
      Arrival arrival = arrivalOf(kCases[0], kCount, data.data(), data.data());
      arrival.signature.collective = Collective::SendRecv;
      arrival.signature.root = 0;
      std::promise<void> done;
      const size_t from = static_cast<size_t>(round) % 2;
      if (rank != from) std::fill(data.begin(), data.end(), -1.0f);
      cluster.of(rank).pass(from, 1 - from, rank, arrival, [&] {
        return [&](const Failure* failure) {
          CHECK(failure == nullptr);
          done.set_value();
        };
      });
      done.get_future().get();
      for (const float value : data) CHECK(value == static_cast<float>(round));
    }
  });
}

TEST("C3 groups that call different things are told so, all with one failure") {
  Cluster cluster({.groups = {2, 1, 1}});
  std::vector<float> memory(64);
  spawnRanks(4, [&](size_t rank) {
    float* const data = memory.data() + 16 * rank;
    Arrival arrival = arrivalOf(kCases[0], 8, data, data);
    if (rank == 3) arrival.signature.count = 4;
    const auto failure = callAndWait(cluster.of(rank), rank, arrival, false);
    const Mismatch& mismatch = std::get<Mismatch>(*failure);
    CHECK(mismatch.differing.size() == 1 && mismatch.differing[0].rank == leaderOf(2));
    CHECK(mismatch.differing[0].signature.count == 4);
  });
}

TEST("C4 a group that does not come is named everywhere, and the next generation works") {
  // The two that come do so within this.
  Cluster cluster({.groups = {1, 1, 1}, .deadline = milliseconds(2000)});
  std::vector<float> memory(64);
  spawnRanks(2, [&](size_t rank) {
    float* const data = memory.data() + 16 * rank;
    const auto failure =
        callAndWait(cluster.of(rank), rank, arrivalOf(kCases[0], 8, data, data), false);
    const auto& late = std::get<DeadlineExceeded>(*failure);
    CHECK(late.missing == std::vector<int>{2} && late.phase == Phase::Compare);
  });
  cluster.begin(2);
  callAll(cluster, kCases[0], 1000, true);
}

TEST("C4 a group whose rank leaves tells the others at once, whoever comes first") {
  for (const bool before : {false, true}) {
    Cluster cluster({.groups = {1, 1, 1}});
    std::vector<float> memory(64);
    if (before) cluster.of(2).leave(2);
    spawnRanks(3, [&](size_t rank) {
      if (rank == 2) {
        if (!before) cluster.of(2).leave(2);
        return;
      }
      float* const data = memory.data() + 16 * rank;
      const auto failure =
          callAndWait(cluster.of(rank), rank, arrivalOf(kCases[0], 8, data, data), false);
      CHECK(std::get<PeersLeft>(*failure).missing == std::vector<int>{2});
    });
  }
}

TEST("C4 an abort in one group ends the calls of all") {
  for (size_t round = 0; round < depth(5, 20); ++round) {
    // Outlives the cluster, whose threads may be late.
    std::vector<std::vector<float>> memory(3, std::vector<float>(1 << 18));
    Cluster cluster({.groups = {1, 2}});
    spawnRanks(4, [&](size_t rank) {
      if (rank == 3) {
        for (size_t i = 0; i < round; ++i) std::this_thread::yield();
        return cluster.of(0).abort(Aborted{"enough"});
      }
      for (;;) {
        float* const data = memory[rank].data();
        const Arrival arrival = arrivalOf(kCases[0], memory[rank].size(), data, data);
        const auto failure = callAndWait(cluster.of(rank), rank, arrival, false);
        if (!failure) continue;
        CHECK(std::get<Aborted>(*failure).cause == "enough");
        return;
      }
    });
  }
}

TEST("C4 a link that stays away fails the call and names the group") {
  Cluster cluster({.groups = {1, 1}, .deadline = milliseconds(100)});
  cluster.trunk(1, 0).close();
  std::vector<float> memory(64);
  const auto failure = callAndWait(
      cluster.of(0), 0, arrivalOf(kCases[0], 8, memory.data(), memory.data()), false);
  const GroupLost& lost = std::get<GroupLost>(*failure);
  CHECK(lost.group == 1 && lost.reason == GroupLost::Reason::Closed);
}

TEST("a link that is lost and restored in the midst of calls loses and doubles nothing") {
  constexpr size_t kCount = 300'000;
  for (size_t seed = 0; seed < depth(3, 12); ++seed) {
    Cluster cluster({.groups = {1, 1}});
    std::atomic<bool> over{false};
    std::thread breaker([&] {
      while (!over) {
        // Attached anew while the old connection is under way.
        wire_test::Line line({.breakAfter = 200'000 + seed * 77'777});
        cluster.attach(0, 1, line.ends[0], line.ends[1]);
        while (!over && !cluster.trunk(0, 1).gap()) std::this_thread::yield();
        while (!over && !cluster.trunk(1, 0).gap()) std::this_thread::yield();
        if (over) break;
      }
      const auto sockets = wire_test::connectedSockets();
      cluster.attach(0, 1, sockets.first, sockets.second);
    });
    for (int round = 0; round < 2; ++round) callAll(cluster, kCases[0], kCount, true);
    over = true;
    breaker.join();
    callAll(cluster, kCases[0], 1000, true);
  }
}

TEST("C5 a damaged chunk fails the call on both sides and is never summed") {
  constexpr size_t kCount = 100'000;
  for (size_t seed = 0; seed < depth(3, 8); ++seed) {
    std::vector<std::vector<float>> memory(2, std::vector<float>(kCount));
    // The side that is not told sees a closed link, and waits half of this for it.
    Cluster cluster({.groups = {1, 1}, .deadline = milliseconds(2000)});
    wire_test::Line line({.flipAt = 20'000 + seed * 30'011});
    cluster.attach(0, 1, line.ends[0], line.ends[1]);
    spawnRanks(2, [&](size_t rank) {
      std::vector<float>& data = memory[rank];
      std::ranges::fill(data, static_cast<float>(rank + 1));
      const Arrival arrival = arrivalOf(kCases[0], kCount, data.data(), data.data());
      const auto failure = callAndWait(cluster.of(rank), rank, arrival, false);
      // None where it had everything before the other one failed.
      if (failure) CHECK(std::holds_alternative<GroupLost>(*failure));
    });
    for (size_t rank = 0; rank < 2; ++rank) cluster.of(rank).close();
    for (size_t rank = 0; rank < 2; ++rank) {
      for (const float value : memory[rank]) {
        CHECK(value == 3.0f || value == static_cast<float>(rank + 1));
      }
    }
  }
}

TEST("a result that comes a second time fails the call and does not count as another one") {
  class Raw : public TrunkUser {
   public:
    void onChunk(wire::Received) override {}
    void onAnnouncement(const wire::Announcement&) override { announced.set_value(); }
    void onAbort(const wire::AbortNotice&) override {}
    void onLost(const wire::Loss&) override {}
    std::promise<void> announced;
  };
  constexpr size_t kCount = 2 * 16'384;  // two steps
  const auto [one, other] = wire_test::connectedSockets();
  Trunk peer;
  const auto trunk = std::make_shared<Trunk>();
  peer.attach(one, {}, 0, [](const auto&) {});
  trunk->attach(other, {}, 0, [](const auto&) {});
  Raw raw;
  peer.enter(7, raw);
  CommunicatorOptions options;
  options.groups = Groups({1, 1});
  options.group = 1;
  options.generation = 7;
  options.deadline = kLongEnough;
  options.trunks = {trunk, nullptr};
  Communicator communicator(std::move(options));
  std::vector<float> memory(kCount, -1.0f);
  Arrival arrival;
  arrival.signature.collective = Collective::Broadcast;
  arrival.signature.count = kCount;
  arrival.signature.generation = 7;
  arrival.buffers.recv = reinterpret_cast<std::byte*>(memory.data());
  Signature signature = arrival.signature;
  std::thread sends([&] {
    peer.link().announce({0, signature});
    raw.announced.get_future().wait();
    const auto payload = std::make_shared<std::vector<std::byte>>(kCount * 2);
    const uint32_t checksum = crc32c(0, payload->data(), payload->size());
    for (int i = 0; i < 2; ++i) {
      peer.link().send({7, 0, 0, 0}, wire::Flow::Result, *payload, checksum, payload);
    }
  });
  const auto failure = callAndWait(communicator, 1, arrival, false);
  sends.join();
  CHECK(failure && std::get<GroupLost>(*failure).reason == GroupLost::Reason::Malformed);
  communicator.close();
  peer.exit(raw, Aborted{"over"}, true);
  peer.close();
  trunk->close();
}
