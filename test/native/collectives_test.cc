#include "cases.h"
#include "check.h"

using namespace kaitian;
using namespace cases;

namespace {

void run(const Case& one, const std::vector<size_t>& groups, size_t count, bool later) {
  CommunicatorOptions options;
  options.groups = Groups(groups);
  options.deadline = kLongEnough;
  Communicator communicator(std::move(options));
  const size_t ranks = communicator.ranks();
  spawnRanks(ranks, [&](size_t rank) {
    std::vector<float> send(one.sendSize(ranks) * count);
    std::vector<float> recv(one.recvSize(ranks) * count, -1.0f);
    for (size_t i = 0; i < send.size(); ++i) send[i] = valueOf(rank, i);
    for (int round = 0; round < 3; ++round) {
      const Arrival arrival = arrivalOf(one, count, send.data(), recv.data());
      CHECK(!callAndWait(communicator, rank, arrival, later));
    }
    for (size_t i = 0; i < recv.size(); ++i) {
      CHECK(recv[i] == one.expected(ranks, count, rank, i));
    }
  });
}

}  // namespace

TEST("C1 every collective gives every rank what it should, on the callers' threads and on the crew's") {
  Picker picks;
  for (const Case& one : kCases) {
    for (const std::vector<size_t>& groups :
         {std::vector<size_t>{2}, {3}, {4}, {1, 1}, {2, 1}, {3, 2, 1}}) {
      for (const size_t count : {0, 1, 7, 1000, 40'001}) {
        for (const bool later : {false, true}) {
          if (picks()) run(one, groups, count, later);
        }
      }
    }
  }
}

TEST("in place, every collective leaves what it leaves out of place") {
  constexpr size_t kRanks = 3;
  constexpr size_t kCount = 20'011;
  for (const Case& one : kCases) {
    Communicator communicator([] {
      CommunicatorOptions options;
      options.groups = Groups({kRanks});
      options.deadline = kLongEnough;
      return options;
    }());
    spawnRanks(kRanks, [&](size_t rank) {
      const size_t sent = one.sendSize(kRanks) * kCount;
      const size_t received = one.recvSize(kRanks) * kCount;
      std::vector<float> memory(std::max(sent, received));
      // The smaller one is this rank's piece of the larger.
      float* const send = memory.data() + (sent < received ? rank * kCount : 0);
      float* const recv = memory.data() + (received < sent ? rank * kCount : 0);
      for (size_t i = 0; i < sent; ++i) send[i] = valueOf(rank, i);
      CHECK(!callAndWait(communicator, rank, arrivalOf(one, kCount, send, recv), false));
      for (size_t i = 0; i < received; ++i) {
        const float expected = one.expected(kRanks, kCount, rank, i);
        if (expected != -1.0f) CHECK(recv[i] == expected);
      }
    });
  }
}

TEST("messages between two ranks arrive in order beside the collectives") {
  constexpr size_t kCount = 5000;
  CommunicatorOptions options;
  options.groups = Groups({2, 1});
  options.deadline = kLongEnough;
  Communicator communicator(std::move(options));
  spawnRanks(3, [&](size_t rank) {
    const size_t to = (rank + 1) % 3;
    const size_t from = (rank + 2) % 3;
    for (size_t round = 0; round < 50; ++round) {
      std::vector<float> sent(kCount, static_cast<float>(rank * 1000 + round));
      std::vector<float> got(kCount);
      std::promise<void> flown;
      Arrival arrival = arrivalOf(kCases[0], kCount, sent.data(), nullptr);
      arrival.signature.collective = Collective::SendRecv;
      arrival.signature.root = 0;
      const Outcome outcome = communicator.pass(rank, to, rank, arrival, [&] {
        return [&](const Failure* failure) {
          CHECK(failure == nullptr);
          flown.set_value();
        };
      });
      if (outcome == Outcome::Done) flown.set_value();
      std::promise<void> landed;
      arrival.buffers = {nullptr, reinterpret_cast<std::byte*>(got.data())};
      const Outcome received = communicator.pass(from, rank, rank, arrival, [&] {
        return [&](const Failure* failure) {
          CHECK(failure == nullptr);
          landed.set_value();
        };
      });
      if (received == Outcome::Done) landed.set_value();
      landed.get_future().get();
      flown.get_future().get();
      CHECK(got[kCount - 1] == static_cast<float>(from * 1000 + round));
    }
  });
}

TEST("C3 a rank that calls something else is named, and the others' calls fail with it") {
  CommunicatorOptions options;
  options.groups = Groups({3});
  options.deadline = kLongEnough;
  Communicator communicator(std::move(options));
  std::vector<float> memory(64);
  spawnRanks(3, [&](size_t rank) {
    Arrival arrival = arrivalOf(kCases[0], 8, memory.data() + 8 * rank, memory.data() + 8 * rank);
    if (rank == 2) arrival.signature.op = Op::Max;
    const auto failure = callAndWait(communicator, rank, arrival, rank == 0);
    const Mismatch& mismatch = std::get<Mismatch>(*failure);
    CHECK(mismatch.differing.size() == 1 && mismatch.differing[0].rank == 2);
  });
}

TEST("C4 ranks that do not come, or leave, are named to who waits in its own thread") {
  for (const bool leaves : {false, true}) {
    CommunicatorOptions options;
    options.groups = Groups({3});
    options.deadline = leaves ? kLongEnough : std::chrono::milliseconds(30);
    Communicator communicator(std::move(options));
    std::vector<float> memory(8);
    if (leaves) communicator.leave(2);
    spawnRanks(2, [&](size_t rank) {
      const Arrival arrival = arrivalOf(kCases[0], 4, memory.data(), memory.data() + 4 * rank);
      const auto failure = callAndWait(communicator, rank, arrival, false);
      if (leaves) {
        CHECK(std::get<PeersLeft>(*failure).missing == std::vector<int>{2});
      } else {
        CHECK(std::get<DeadlineExceeded>(*failure).missing == std::vector<int>{2});
      }
    });
  }
}

TEST("aborts at any moment end every call once, and close frees the memory") {
  for (size_t round = 0; round < depth(30, 200); ++round) {
    auto memory = std::make_shared<std::vector<float>>(1 << 16);
    const std::weak_ptr<std::vector<float>> watched = memory;
    CommunicatorOptions options;
    options.groups = Groups({2});
    options.deadline = kLongEnough;
    Communicator communicator(std::move(options));
    std::atomic<int> settled{0};
    spawnRanks(3, [&](size_t rank) {
      if (rank == 2) {
        for (size_t i = 0; i < round % 20; ++i) std::this_thread::yield();
        return communicator.abort(Aborted{"enough"});
      }
      for (int i = 0; i < 20; ++i) {
        float* const part = memory->data() + rank * (1 << 15);
        Arrival arrival = arrivalOf(kCases[0], 1 << 15, part, part);
        arrival.sendPin = memory;
        const auto failure = callAndWait(communicator, rank, arrival, (i + rank) % 2 == 0);
        if (failure) CHECK(std::get<Aborted>(*failure).cause == "enough");
        ++settled;
      }
    });
    CHECK(settled == 40);
    communicator.close();
    memory.reset();
    CHECK(watched.expired());
  }
}
