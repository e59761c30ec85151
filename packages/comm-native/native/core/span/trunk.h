#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "../bell.h"
#include "../wire/link.h"

namespace kaitian {

// Who takes part in a generation over a trunk. Called on the link's thread.
class TrunkUser {
 public:
  virtual ~TrunkUser() = default;
  virtual void onChunk(wire::Received chunk) = 0;
  virtual void onAnnouncement(const wire::Announcement& announcement) = 0;
  virtual void onAbort(const wire::AbortNotice& notice) = 0;
  // Nothing comes or goes until the trunk is attached again.
  virtual void onLost(const wire::Loss& loss) = 0;
};

// The way to one other group, for all generations: a link, and whose turn it is.
//
// What belongs to a generation that is over is dropped; word of one that has
// not begun here is kept, within bounds, until it has.
class Trunk {
 public:
  explicit Trunk(const wire::LinkOptions& options = {});
  ~Trunk() { close(); }
  Trunk(const Trunk&) = delete;
  Trunk& operator=(const Trunk&) = delete;

  wire::Link& link() { return *link_; }
  const wire::LinkOptions& options() const { return options_; }

  // Takes over a connected socket, see wire::Link::attach. `lost` is called once
  // for this connection, on the link's thread.
  void attach(int socket, std::span<const std::byte> early, uint64_t peerReceived,
              std::function<void(const wire::Loss&)> lost);

  // From here on the user is told of this generation, and of no older one. What
  // came early is told first, by this thread.
  void enter(uint64_t generation, TrunkUser& user);
  // After it returns the user is not called any more. Not from an event. Whoever
  // announces something of its generation afterwards is told that it is over.
  // `well`: the peer may still need what is queued of it.
  void exit(const TrunkUser& user, const Failure& reason, bool well);
  // Why and since when nothing comes or goes, while that is so.
  struct Gap {
    wire::Loss loss;
    Clock::time_point since;
  };
  std::optional<Gap> gap() const;

  void close() { link_->close(); }

 private:
  // Announcements of generations to come: some MiB. With no more ranks than any
  // host has, and each as far ahead as it may be, there are fewer.
  static constexpr size_t kEarly = 65'536;

  void onChunk(wire::Received chunk);
  void onAnnouncement(const wire::Announcement& announcement);
  void keepEarly(const wire::Announcement& announcement);
  void onAbort(const wire::AbortNotice& notice);
  void onLost(const wire::Loss& loss);

  const wire::LinkOptions options_;

  mutable std::mutex mutex_;  // guards what follows; held while the user is called
  // None before the first: that may be generation 0.
  std::optional<uint64_t> generation_;
  TrunkUser* user_ = nullptr;
  // Why the generation is over, if it is and has not been told.
  std::optional<Failure> farewell_;
  // Whether the generation before ended well.
  bool endedWell_ = false;
  // The last of the generations before it that the peer was told is over, as it
  // went on with it.
  std::optional<uint64_t> told_;
  std::vector<wire::Announcement> announcements_;
  std::optional<wire::AbortNotice> notice_;

  mutable std::mutex losing_;  // guards what follows
  std::optional<Gap> gap_;
  // Connections so far, and those whose loss was reported: the link reports each
  // one's, in order, but perhaps when the next is attached already.
  uint64_t attached_ = 0;
  uint64_t losses_ = 0;
  std::function<void(const wire::Loss&)> lost_;

  std::shared_ptr<wire::Link> link_;  // last: its events use the above
};

}  // namespace kaitian
