#include "trunk.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace kaitian {

Trunk::Trunk(const wire::LinkOptions& options)
    : options_(options),
      gap_(Gap{{wire::Loss::Reason::Closed, "it was never connected"}, Clock::now()}),
      link_(wire::openLink(options,
                           {
                               [this](wire::Received chunk) { onChunk(std::move(chunk)); },
                               [this](const auto& announcement) { onAnnouncement(announcement); },
                               [this](const auto& notice) { onAbort(notice); },
                               [this](const auto& loss) { onLost(loss); },
                           })) {}

void Trunk::attach(int socket, std::span<const std::byte> early, uint64_t peerReceived,
                   std::function<void(const wire::Loss&)> lost) {
  {
    const std::lock_guard lock(losing_);
    lost.swap(lost_);
    gap_.reset();
    ++attached_;
  }
  if (lost) lost({wire::Loss::Reason::Replaced, "it was attached again"});
  const auto refused = [this](wire::Loss::Reason reason, const char* why) {
    const std::lock_guard lock(losing_);
    --attached_;
    gap_ = Gap{{reason, why}, Clock::now()};
  };
  try {
    link_->attach(socket, early, peerReceived);
  } catch (const std::invalid_argument& error) {
    refused(wire::Loss::Reason::Malformed, error.what());
    throw;
  } catch (const std::exception& error) {
    refused(wire::Loss::Reason::Local, error.what());
    throw;
  }
}

void Trunk::onChunk(wire::Received chunk) {
  const std::lock_guard lock(mutex_);
  if (user_ != nullptr && chunk.key.generation == generation_) user_->onChunk(std::move(chunk));
}

void Trunk::onAnnouncement(const wire::Announcement& announcement) {
  const uint64_t generation = announcement.signature.generation;
  const std::lock_guard lock(mutex_);
  if (generation > generation_) {
    keepEarly(announcement);
  } else if (user_ != nullptr && generation == generation_) {
    user_->onAnnouncement(announcement);
  } else if (farewell_ && generation == generation_) {
    link_->abort({generation, *std::exchange(farewell_, std::nullopt)});
  } else if (generation < generation_ && generation > told_) {
    // It may have ended well here, without a word.
    told_ = generation;
    const std::string now = std::to_string(*generation_);
    link_->abort({generation, Aborted{"Another group has gone on to generation " + now + "."}});
  }
}

void Trunk::keepEarly(const wire::Announcement& announcement) {
  if (announcements_.size() < kEarly) return announcements_.push_back(announcement);
  // What is not kept would be waited for.
  if (notice_) return;
  const char* const cause = "A group was too many operations ahead of another that had not begun.";
  notice_ = wire::AbortNotice{announcement.signature.generation, Aborted{cause}};
  link_->abort(*notice_);
}

void Trunk::onAbort(const wire::AbortNotice& notice) {
  const std::lock_guard lock(mutex_);
  if (notice.generation > generation_) {
    if (!notice_) notice_ = notice;
  } else if (user_ != nullptr && notice.generation == generation_) {
    user_->onAbort(notice);
  }
}

void Trunk::enter(uint64_t generation, TrunkUser& user) {
  uint64_t first = generation;
  {
    const std::lock_guard lock(mutex_);
    // All of it was handed over here, but the last of it may not have gone out.
    if (std::exchange(endedWell_, false)) first = std::min(first, *generation_);
  }
  if (first > 0) link_->drop(first - 1);
  const std::lock_guard lock(mutex_);
  generation_ = generation;
  user_ = &user;
  farewell_.reset();
  const std::vector<wire::Announcement> announcements = std::exchange(announcements_, {});
  for (const wire::Announcement& announcement : announcements) {
    const uint64_t of = announcement.signature.generation;
    if (of == generation) user.onAnnouncement(announcement);
    if (of > generation) announcements_.push_back(announcement);
  }
  if (!notice_ || notice_->generation > generation) return;
  const wire::AbortNotice notice = *std::exchange(notice_, std::nullopt);
  if (notice.generation == generation) user.onAbort(notice);
}

void Trunk::exit(const TrunkUser& user, const Failure& reason, bool well) {
  const std::lock_guard lock(mutex_);
  if (user_ != &user) return;
  user_ = nullptr;
  farewell_ = reason;
  endedWell_ = well;
}

std::optional<Trunk::Gap> Trunk::gap() const {
  const std::lock_guard lock(losing_);
  return gap_;
}

void Trunk::onLost(const wire::Loss& loss) {
  std::function<void(const wire::Loss&)> lost;
  {
    const std::lock_guard lock(losing_);
    // What was attached meanwhile is well, and `attach` has told whose loss this
    // is that it was replaced.
    if (++losses_ == attached_) {
      gap_ = Gap{loss, Clock::now()};
      lost.swap(lost_);
    }
  }
  if (loss.reason == wire::Loss::Reason::Replaced) return;
  {
    const std::lock_guard lock(mutex_);
    if (user_ != nullptr) user_->onLost(loss);
  }
  if (lost) lost(loss);
}

}  // namespace kaitian
