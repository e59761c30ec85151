#pragma once

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "check.h"
#include "core/communicator.h"
#include "wire/line.h"

namespace cases {

using namespace kaitian;

// Groups as if each were a process of its own: a communicator for each, and
// trunks between all of them.
class Cluster {
 public:
  struct Setup {
    std::vector<size_t> groups;
    std::chrono::milliseconds deadline = kLongEnough;
    WirePrecision wire = WirePrecision::Full;
    size_t chunkBytes = 64 * 1024;
  };

  explicit Cluster(const Setup& setup) : setup_(setup) {
    const size_t count = setup.groups.size();
    trunks_.resize(count);
    for (size_t one = 0; one < count; ++one) {
      trunks_[one].resize(count);
      for (size_t other = 0; other < one; ++other) {
        for (const auto& [from, to] : {std::pair{one, other}, {other, one}}) {
          trunks_[from][to] = std::make_shared<Trunk>(wire::LinkOptions{.chunkBytes = setup.chunkBytes});
        }
        const auto sockets = wire_test::connectedSockets();
        attach(one, other, sockets.first, sockets.second);
      }
    }
    begin(1);
  }
  ~Cluster() {
    for (const auto& communicator : communicators_) communicator->close();
    for (const auto& row : trunks_) {
      for (const auto& trunk : row) {
        if (trunk != nullptr) trunk->close();
      }
    }
  }

  void attach(size_t one, size_t other, int first, int second) {
    const uint64_t byOne = trunk(one, other).link().received();
    const uint64_t byOther = trunk(other, one).link().received();
    trunk(one, other).attach(first, {}, byOther, [](const auto&) {});
    trunk(other, one).attach(second, {}, byOne, [](const auto&) {});
  }

  // A generation of all groups.
  void begin(uint64_t generation) {
    for (const auto& communicator : communicators_) communicator->close();
    communicators_.clear();
    for (size_t group = 0; group < setup_.groups.size(); ++group) {
      CommunicatorOptions options;
      options.groups = Groups(setup_.groups);
      options.group = group;
      options.generation = generation;
      options.deadline = setup_.deadline;
      options.wire = setup_.wire;
      options.trunks = trunks_[group];
      communicators_.push_back(std::make_unique<Communicator>(std::move(options)));
    }
  }

  Trunk& trunk(size_t from, size_t to) { return *trunks_[from][to]; }
  size_t ranks() const { return communicators_[0]->ranks(); }
  Communicator& of(size_t rank) { return *communicators_[communicators_[0]->groups().of(rank)]; }

 private:
  const Setup setup_;
  std::vector<std::vector<std::shared_ptr<Trunk>>> trunks_;
  std::vector<std::unique_ptr<Communicator>> communicators_;
};

}  // namespace cases
