#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "../collective/perform.h"
#include "../failure.h"
#include "../groups.h"
#include "../lane.h"
#include "announcements.h"
#include "role.h"
#include "staging.h"
#include "trunk.h"

namespace kaitian {

struct SpanOptions {
  Groups groups{std::vector<size_t>{1}};
  // This process's.
  size_t group = 0;
  WirePrecision wire = WirePrecision::Full;
  uint64_t generation = 0;
  // By group; null for this one.
  std::vector<std::shared_ptr<Trunk>> trunks;
  // The same on all groups, as the trunks' are.
  size_t chunkBytes = 256 * 1024;
  size_t window = 16;
};

// What a span needs of the communicator that it belongs to.
class SpanHost {
 public:
  virtual ~SpanHost() = default;
  virtual bool aborted() const = 0;
  virtual void abort(Failure failure) = 0;
  // Null when this group has never called it.
  virtual Lane* laneOf(uint32_t id) = 0;
  // There is a task for the crew.
  virtual void ringCrew() = 0;
  // Other groups wait for this one.
  virtual void awaited() = 0;
};

// The part of a communicator that reaches other groups.
//
// The crew makes this group's contributions, step by step, into staging slots;
// links send them while the next ones are made; the links' readers combine what
// arrives with this group's own part, while it is in their cache, and hand it
// out. Slots bound what is under way on both sides.
//
// Contributions of a lane are made in the order of its steps, by one thread:
// the first step that is not through then always has its slots everywhere, so
// that bounded slots cannot lock up.
class Span {
 public:
  Span(SpanOptions options, SpanHost& host);
  ~Span();
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;

  // Begins to hear of this generation. After construction, once.
  void enter();
  // Is not called any more after this, which says why.
  void exit(const Failure& reason);

  // All ranks of this group have arrived. True when no other group takes part.
  bool announce(Lane& lane, const Operation& operation, uint64_t number);
  // It runs from now on: what arrived early is used.
  void started(Lane& lane, uint64_t number);
  // The crew: makes a step's contribution, waits for a slot if need be. True when
  // the step is through.
  bool perform(Lane& lane, Operation& operation, uint64_t number, uint64_t step);
  // The crew: combines what is complete. False when there is nothing.
  bool runTask();

  // Elements of a step.
  size_t pieceOf(const Signature& signature) const;
  // Wakes whoever waits for a slot, and tells the other groups.
  void abort(const Failure& failure, bool tells);
  // The first operation of a lane that others have announced and this group has not.
  std::optional<uint64_t> awaitedOf(const Lane& lane) const {
    return announcements_.awaitedOf(lane.id());
  }
  // Groups that an operation waits for.
  std::vector<size_t> laggards(const Lane& lane, uint64_t number, Phase phase) const;
  // A group of the lane that cannot be reached, since before `since`.
  std::optional<GroupLost> lost(const Lane& lane, Clock::time_point since) const;

 private:
  class Peer;

  // A step that waits for parts.
  struct Key {
    uint32_t lane;
    uint64_t number;
    uint64_t step;
    auto operator<=>(const Key&) const = default;
  };
  struct Part {
    std::span<const std::byte> bytes;
    Pin pin;
  };
  struct Pending {
    std::map<size_t, Part> byGroup;
  };
  struct Task {
    Lane* lane;
    Operation* operation;
    Key key;
    Pending parts;
  };
  // A step in hand: everything that follows from its number.
  struct Job {
    Lane& lane;
    Operation& operation;
    uint64_t number;
    uint64_t index;
    Step step;
    Role role;

    Key key() const { return {lane.id(), number, index}; }
  };

  Job jobOf(Lane& lane, Operation& operation, uint64_t number, uint64_t index) const;
  void onAnnouncement(size_t group, const wire::Announcement& announcement);
  void onChunk(size_t group, wire::Received chunk);
  void onLost(size_t group, const wire::Loss& loss);
  void decide(Lane& lane, const Announcements::Complete& complete);
  void accept(Lane& lane, Operation& operation, size_t group, wire::Received chunk);
  bool isNew(const Operation& operation, size_t group, const wire::ChunkKey& key);
  void refuse(size_t group, const char* what);

  void performLocally(const Job& job) const;
  bool sendData(const Job& job);
  bool contribute(const Job& job);
  void join(const Job& job, size_t group, Part part);
  void complete(const Job& job, Pending parts);
  void combineParts(const Job& job, const Pending& parts);
  void exchangeParts(const Job& job, const Pending& parts);
  void writeSinks(const Job& job, std::span<const std::byte> data) const;
  std::shared_ptr<StagingSlot> take(StagingPool& pool, bool helps = true);
  void send(const Job& job, size_t group, wire::Flow flow, std::span<const std::byte> payload,
            uint32_t checksum, const Pin& pin);
  wire::Flow contributionFlow(const Lane& lane) const;
  std::vector<size_t> partiesOf(const Lane& lane) const;
  size_t payloadBytes(const Job& job, wire::Flow flow) const;

  const SpanOptions options_;
  SpanHost& host_;
  std::vector<std::unique_ptr<Peer>> peers_;
  Announcements announcements_;
  // The others were told that the generation is over.
  std::atomic<bool> told_{false};
  // For calls, for buckets and for results, as the links' windows.
  std::array<std::shared_ptr<StagingPool>, wire::kFlows> pools_;

  mutable std::mutex mutex_;  // guards what follows
  std::map<Key, Pending> pending_;
  std::map<std::pair<uint32_t, uint64_t>, std::vector<std::pair<size_t, wire::Received>>> early_;
  std::deque<Task> tasks_;
  // By lane: which chunks came of the last operation that any came of, a bit for
  // each group and step.
  struct Came {
    uint64_t number = 0;
    std::vector<bool> chunks;
  };
  std::map<uint32_t, Came> came_;
};

}  // namespace kaitian
