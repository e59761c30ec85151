#include "crew.h"

#include <algorithm>
#include <exception>
#include <system_error>

#include "lane_numbers.h"
#include "native_thread.h"

namespace kaitian {

void Crew::start() {
  if (started_.load(std::memory_order_acquire)) return;
  std::string why;
  {
    const std::lock_guard lock(mutex_);
    if (started_.load(std::memory_order_relaxed)) return;
    present_.store(size_, std::memory_order_relaxed);
    threads_.reserve(size_);
    try {
      while (threads_.size() < size_) {
        threads_.emplace_back([this, index = threads_.size()] { run(index); });
      }
    } catch (const std::system_error& error) {
      why = error.what();
      const size_t absent = size_ - threads_.size();
      deserted_.store(present_.fetch_sub(absent) == absent, std::memory_order_relaxed);
    }
    started_.store(true, std::memory_order_release);
  }
  if (!why.empty()) duties_.failed("The system gives no more threads (" + why + ").");
}

void Crew::offer(Lane& lane, uint64_t number) {
  start();
  {
    const std::lock_guard lock(mutex_);
    offers_.push_back({&lane, number, offered_++});
  }
  bell_.ring();
}

void Crew::join() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

// What a native thread lets out ends the process: memory may have run out.
void Crew::run(size_t index) {
  blockSignals();
  try {
    serve(index);
  } catch (const std::exception& error) {
    duties_.failed(std::string("A native thread failed: ") + error.what() + ".");
  }
  if (present_.fetch_sub(1, std::memory_order_acq_rel) == 1) duties_.ended();
}

void Crew::serve(size_t index) {
  // When the keeper looks at the deadlines next, however much there is to do.
  const bool keepsOnly = divided_ && index == 0;
  Bell& bell = keepsOnly ? keeperBell_ : bell_;
  Clock::time_point due = index == 0 ? Clock::time_point::min() : Clock::time_point::max();
  while (!duties_.over()) {
    const uint32_t seen = bell.read();
    const bool helped = !keepsOnly && (duties_.task() || help(index));
    if (index == 0 && (!helped || Clock::now() >= due)) due = duties_.watch();
    if (!helped && !duties_.over()) bell.wait(seen, due);
  }
}

// One offer, until it has no more steps to take; then nobody else need look.
bool Crew::help(size_t index) {
  Offer offer;
  uint64_t seen;
  {
    const std::lock_guard lock(mutex_);
    const auto mine = [&](const Offer& one) { return isFor(one, index); };
    const auto found = std::ranges::find_if(offers_, mine);
    if (found == offers_.end()) return false;
    offer = *found;
    seen = offered_;
  }
  offer.lane->help(offer.number, index);
  const std::lock_guard lock(mutex_);
  // Not what was offered meanwhile: perhaps it did not run yet when it was looked at.
  const auto same = [&](const Offer& one) {
    return one.lane == offer.lane && one.number == offer.number && one.serial < seen;
  };
  std::erase_if(offers_, same);
  return true;
}

bool Crew::isFor(const Offer& offer, size_t index) const {
  return !divided_ || (offer.lane->id() == kBucketLane) == (index == 1);
}

}  // namespace kaitian
