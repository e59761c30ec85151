#include "communicator.h"

#include <algorithm>
#include <utility>

#ifdef __linux__
#include <pthread.h>
#include <signal.h>
#endif

#include "allreduce.h"
#include "float_environment.h"

namespace kaitian {
namespace {

// Signals belong to the host's threads, whose handlers may not expect this one.
void blockSignals() {
#ifdef __linux__
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
#endif
}

}  // namespace

Communicator::Communicator(CommunicatorOptions options)
    : deadline_(options.deadline), regions_(std::move(options.regions)) {
  for (size_t rank = 0; rank < options.ranks; ++rank) ranks_.push_back(std::make_unique<Rank>());
  thread_ = std::thread([this] { run(); });
}

Communicator::~Communicator() { close(); }

void Communicator::issue(const Signature& signature, Completion done) {
  {
    const std::lock_guard lock(mutex_);
    if (!ended_) {
      issued_.push_back({signature, Clock::now() + deadline_, std::move(done)});
      bell_.ring();
      return;
    }
  }
  const std::optional<Failure> reason = failure();
  done(&*reason);
}

void Communicator::whenEnded(std::function<void()> ended) {
  {
    const std::lock_guard lock(mutex_);
    if (!ended_) {
      whenEnded_ = std::move(ended);
      return;
    }
  }
  ended();
}

void Communicator::close() {
  abort(Aborted{"The leader's thread ended."});
  if (thread_.joinable()) thread_.join();
  for (auto& regions : regions_) regions.clear();
}

bool Communicator::join(size_t rank) { return !ranks_[rank]->joined.exchange(true); }

bool Communicator::ready(size_t rank, const Signature& signature) {
  // A late mark is harmless: nobody looks at the ring after an abort.
  if (aborted()) return true;
  if (!ranks_[rank]->ring.mark(signature)) return false;
  bell_.ring();
  return true;
}

void Communicator::leave(size_t rank) {
  ranks_[rank]->left.store(true, std::memory_order_release);
  bell_.ring();
}

void Communicator::abort(Failure failure) {
  {
    const std::lock_guard lock(mutex_);
    if (failure_) return;
    failure_ = std::move(failure);
    aborted_.store(true, std::memory_order_release);
  }
  bell_.ring();
}

std::optional<Failure> Communicator::failure() const {
  if (!aborted()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  return failure_;
}

void Communicator::run() {
  blockSignals();
  const DefaultFloatEnvironment environment;
  while (const std::optional<Operation> operation = next()) perform(*operation);
  end();
}

// Waits for an operation to be issued; none once aborted.
std::optional<Communicator::Operation> Communicator::next() {
  for (;;) {
    const uint32_t seen = bell_.read();
    if (aborted()) return std::nullopt;
    {
      const std::lock_guard lock(mutex_);
      if (!issued_.empty()) {
        Operation operation = std::move(issued_.front());
        issued_.pop_front();
        return operation;
      }
    }
    bell_.wait(seen, Clock::time_point::max());
  }
}

void Communicator::perform(const Operation& operation) {
  const Signature& signature = operation.signature;
  const auto& regions = regions_[static_cast<size_t>(signature.dtype)];
  const bool done = awaitMembers(operation) && agree(signature) &&
                    allreduce(regions, signature, aborted_);
  if (done) return operation.done(nullptr);
  const std::optional<Failure> reason = failure();
  operation.done(&*reason);
}

bool Communicator::awaitMembers(const Operation& operation) {
  for (;;) {
    const uint32_t seen = bell_.read();
    if (aborted()) return false;
    std::vector<int> left = missing();
    if (left.empty()) return true;
    std::erase_if(left, [&](int rank) {
      // The ring is looked at again: it may have marked and then left.
      return !ranks_[rank]->left.load(std::memory_order_acquire) || !ranks_[rank]->ring.empty();
    });
    if (!left.empty()) {
      abort(PeersLeft{operation.signature.sequence, std::move(left)});
    } else if (!bell_.wait(seen, operation.deadline)) {
      const double ms = std::chrono::duration<double, std::milli>(deadline_).count();
      if (std::vector<int> late = missing(); !late.empty()) {
        abort(DeadlineExceeded{operation.signature.sequence, std::move(late), ms});
      }
    }
  }
}

bool Communicator::agree(const Signature& issued) {
  std::vector<Signature> marked;
  for (const auto& rank : ranks_) marked.push_back(rank->ring.take());
  std::optional<Mismatch> mismatch = compare(issued, marked);
  if (!mismatch) return true;
  abort(std::move(*mismatch));
  return false;
}

std::vector<int> Communicator::missing() const {
  std::vector<int> ranks;
  for (size_t rank = 0; rank < ranks_.size(); ++rank) {
    if (ranks_[rank]->ring.empty()) ranks.push_back(static_cast<int>(rank));
  }
  return ranks;
}

// Reports what was issued and will not run, and lets `issue` know.
void Communicator::end() {
  const std::optional<Failure> reason = failure();
  std::deque<Operation> refused;
  std::function<void()> ended;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    refused.swap(issued_);
    ended.swap(whenEnded_);
  }
  for (const Operation& operation : refused) operation.done(&*reason);
  if (ended) ended();
}

}  // namespace kaitian
