#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "check.h"
#include "core/communicator.h"

// Memory, a communicator and promises for a test whose ranks are threads.
class Group {
 public:
  // count: elements of each rank's region. The regions are freed by their pins alone.
  Group(size_t ranks, size_t count, std::chrono::milliseconds deadline = kLongEnough)
      : count_(count) {
    kaitian::CommunicatorOptions options;
    options.groups = kaitian::Groups({ranks});
    options.deadline = deadline;
    for (size_t rank = 0; rank < ranks; ++rank) {
      auto memory = std::make_shared<std::vector<float>>(count);
      memory_.push_back(memory);
      options.regions[static_cast<size_t>(kaitian::DType::F32)].push_back(
          {reinterpret_cast<std::byte*>(memory->data()), count * sizeof(float), memory});
    }
    communicator_ = std::make_shared<kaitian::Communicator>(std::move(options));
  }

  kaitian::Communicator& operator*() { return *communicator_; }
  kaitian::Communicator* operator->() { return communicator_.get(); }
  const std::shared_ptr<kaitian::Communicator>& shared() { return communicator_; }

  std::vector<float>& part(size_t rank) { return *memory_[rank]; }

  // As if the thread that allocated it had ended: only the communicator's pin remains.
  std::weak_ptr<std::vector<float>> forget(size_t rank) {
    std::weak_ptr<std::vector<float>> watched = memory_[rank];
    memory_[rank].reset();
    return watched;
  }

  kaitian::Signature signature(uint64_t sequence = 0) const { return {sequence, count_, 0, 7}; }

  std::future<std::optional<kaitian::Failure>> issue(const kaitian::Signature& signature) {
    auto promise = std::make_shared<std::promise<std::optional<kaitian::Failure>>>();
    const auto outcome = communicator_->issue(signature, [promise](const auto* failure) {
      promise->set_value(failure ? std::optional(*failure) : std::nullopt);
    });
    if (outcome == kaitian::Outcome::Failed) promise->set_value(communicator_->failure());
    return promise->get_future();
  }

 private:
  size_t count_;
  std::vector<std::shared_ptr<std::vector<float>>> memory_;
  std::shared_ptr<kaitian::Communicator> communicator_;
};

// Runs `rank(0) … rank(count − 1)`, each in a thread, until all have returned.
template <typename Function>
void spawnRanks(size_t count, Function rank) {
  std::vector<std::thread> threads;
  for (size_t i = 0; i < count; ++i) threads.emplace_back([&rank, i] { rank(i); });
  for (std::thread& thread : threads) thread.join();
}
