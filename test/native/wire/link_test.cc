#include <thread>

#include "line.h"
#include "peers.h"

using namespace wire_test;

namespace {

void join(User& one, User& other) {
  const auto [left, right] = connectedSockets();
  const uint64_t oneReceived = one.link->received();
  const uint64_t otherReceived = other.link->received();
  one.link->attach(left, {}, otherReceived);
  other.link->attach(right, {}, oneReceived);
}

size_t bytesOf(size_t index, size_t largest) { return (index * 7919) % (largest + 1); }

void checkInOrder(const std::vector<User::Chunk>& chunks, size_t count, size_t largest) {
  CHECK(chunks.size() == count);
  for (size_t i = 0; i < count; ++i) {
    CHECK(chunks[i].key == keyOf(i));
    CHECK(chunks[i].payload == payloadOf(i, bytesOf(i, largest)));
  }
}

// Drops pins on a thread of its own, in another order than they came.
class LazyConsumer {
 public:
  explicit LazyConsumer(uint64_t seed) : random_(seed), thread_([this] { run(); }) {}
  ~LazyConsumer() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  void operator()(Pin pin) {
    const std::lock_guard lock(mutex_);
    pins_.push_back(std::move(pin));
    changed_.notify_one();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return done_ || !pins_.empty(); });
      if (pins_.empty()) return;
      std::swap(pins_[random_() % pins_.size()], pins_.back());
      const Pin pin = std::move(pins_.back());
      pins_.pop_back();
      const size_t yields = random_() % 8;
      lock.unlock();
      for (size_t i = 0; i < yields; ++i) std::this_thread::yield();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  Random random_;
  std::vector<Pin> pins_;
  bool done_ = false;
  std::thread thread_;
};

LinkOptions smallOptions(size_t chunkBytes, size_t window) {
  LinkOptions options;
  options.chunkBytes = chunkBytes;
  options.window = window;
  return options;
}

}  // namespace

TEST("B3 thousands of chunks of both flows, both ways, in order, none lost or doubled") {
  constexpr size_t kCount = 1500;
  constexpr size_t kLargest = 5000;
  const LinkOptions options = smallOptions(kLargest, 8);
  LazyConsumer consumers[] = {LazyConsumer(6), LazyConsumer(7)};
  Pins pins;
  {
    User one(options);
    User other(options);
    one.consume = [&](Pin pin) { consumers[0](std::move(pin)); };
    other.consume = [&](Pin pin) { consumers[1](std::move(pin)); };
    join(one, other);
    std::vector<std::thread> senders;
    for (User* user : {&one, &other}) {
      for (const Flow flow : {Flow::Contribution, Flow::Bucket, Flow::Result}) {
        senders.emplace_back([&pins, user, flow] {
          for (size_t i = 0; i < kCount; ++i) {
            sendChunk(*user->link, flow, i, bytesOf(i, kLargest), pins);
            if (flow == Flow::Result && i % 50 == 0) {
              user->link->announce({7, {.sequence = i, .count = 3}});
            }
          }
        });
      }
    }
    for (std::thread& sender : senders) sender.join();
    for (User* user : {&one, &other}) {
      user->waitUntil([&] {
        return user->chunksBefore() == 3 * kCount && user->announcements.size() == kCount / 50;
      });
      for (const auto& chunks : user->chunks) checkInOrder(chunks, kCount, kLargest);
      for (size_t i = 0; i < kCount / 50; ++i) {
        CHECK(user->announcements[i].lane == 7);
        CHECK(user->announcements[i].signature.sequence == i * 50);
      }
      CHECK(user->link->received() == 3 * kCount + kCount / 50);
      CHECK(user->link->peakBytes() <= 3 * options.window * options.chunkBytes);
    }
    // Acknowledged without further traffic.
    pins.waitUntil(0);
    CHECK(one.losses.empty() && other.losses.empty());
  }
}

TEST("connections that break or garble anywhere lose and double nothing") {
  constexpr size_t kCount = 40;
  constexpr size_t kLargest = 3000;
  Random random(8);
  size_t corrupt = 0;
  for (size_t round = 0; round < depth(10, 40); ++round) {
    const LinkOptions options = smallOptions(kLargest, 1 + random() % 6);
    Pins pins;
    User one(options);
    User other(options);
    User* const users[] = {&one, &other};
    for (size_t i = 0; i < kCount; ++i) {
      for (User* user : users) {
        sendChunk(*user->link, Flow::Contribution, i, bytesOf(i, kLargest), pins);
        sendChunk(*user->link, Flow::Result, i, bytesOf(i, kLargest), pins);
        user->link->announce({1, {.sequence = i}});
      }
    }
    const auto complete = [](User& user) {
      return user.chunksBefore() == 2 * kCount && user.announcements.size() == kCount;
    };
    bool done = false;
    // Every connection of each end is lost once: beyond `connection` is the one at hand.
    for (size_t connection = 0; !done; ++connection) {
      Line::Fault fault;
      if (connection < 12) (random() % 3 ? fault.breakAfter : fault.flipAt) = random() % 30'000;
      const uint64_t received[] = {one.link->received(), other.link->received()};
      Line line(fault);
      for (size_t i = 0; i < 2; ++i) users[i]->link->attach(line.ends[i], {}, received[1 - i]);
      for (User* user : users) {
        user->waitUntil([&] { return user->losses.size() > connection || complete(*user); });
      }
      const std::scoped_lock lock(one.mutex, other.mutex);
      done = complete(one) && complete(other);
      for (User* user : users) {
        for (const Loss& loss : user->losses) corrupt += loss.reason == Loss::Reason::Corrupt;
      }
      if (done) {
        for (User* user : users) {
          checkInOrder(user->chunks[static_cast<size_t>(Flow::Contribution)], kCount, kLargest);
          checkInOrder(user->chunks[static_cast<size_t>(Flow::Result)], kCount, kLargest);
          for (size_t i = 0; i < kCount; ++i) {
            CHECK(user->announcements[i].signature.sequence == i);
          }
        }
      }
    }
  }
  CHECK(corrupt > 0);
}
