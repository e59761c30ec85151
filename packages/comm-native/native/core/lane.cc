#include "lane.h"

#include <algorithm>
#include <thread>
#include <utility>
namespace kaitian {
Lane::Lane(LaneHost& host, uint32_t id, std::vector<size_t> ranks, std::vector<Chair> chairs)
    : host_(host),
      id_(id),
      ranks_(std::move(ranks)),
      chairs_(std::move(chairs)),
      counts_(chairs_.size()) {}

Operation& Lane::place(uint64_t number) {
  std::atomic<Operation*>& slot = operations_[number % kPlaces];
  if (Operation* const known = slot.load(std::memory_order_acquire)) return *known;
  const std::lock_guard lock(growing_);
  if (Operation* const known = slot.load(std::memory_order_acquire)) return *known;
  owned_.push_back(std::make_unique<Operation>(chairs_.size(), ranks_.size(), number));
  slot.store(owned_.back().get(), std::memory_order_release);
  return *owned_.back();
}

Operation* Lane::find(uint64_t number) const {
  Operation* const operation = operations_[number % kPlaces].load(std::memory_order_acquire);
  return operation != nullptr && operation->number() == number ? operation : nullptr;
}

// Null when the rank is too far ahead, or all is over.
Operation* Lane::sit(size_t chair, Arrival& arrival, uint64_t& number, bool& last) {
  number = counts_[chair].next;
  if (number - completed_.load(std::memory_order_acquire) >= kCapacity) return nullptr;
  Operation& operation = place(number);
  while (operation.number() != number) {
    if (host_.aborted()) return nullptr;
    std::this_thread::yield();
  }
  ++counts_[chair].next;
  last = operation.sit(chair, std::move(arrival));
  return &operation;
}

Outcome Lane::arrive(size_t chair, Arrival arrival) {
  const bool waited = arrival.done != nullptr;
  uint64_t number;
  bool last;
  Operation* const operation = sit(chair, arrival, number, last);
  if (operation == nullptr) return host_.aborted() ? Outcome::Failed : Outcome::TooFar;
  // A silent arrival leaves the operation to others: it may not be touched any more.
  if (last) gathered(*operation, number);
  if (waited) host_.watch();
  if (host_.aborted() && waited) settleAlone(*operation->seats[chair]);
  return Outcome::Pending;
}

Outcome Lane::attend(size_t chair, Arrival arrival, Patience patience,
                     const std::function<Completion()>& later) {
  uint64_t number;
  bool last;
  Operation* const operation = sit(chair, arrival, number, last);
  if (operation == nullptr) return host_.aborted() ? Outcome::Failed : Outcome::TooFar;
  if (last) gathered(*operation, number);
  const Outcome outcome = wait(*operation, number, chair, patience);
  return outcome == Outcome::Pending ? postpone(*operation, number, chair, later()) : outcome;
}

// Works and spins until the operation is over, or patience is.
Outcome Lane::wait(Operation& operation, uint64_t number, size_t chair,
                   Patience patience) {
  do {
    if (operation.is(number, Operation::Done)) {
      leave(operation, number);
      return Outcome::Done;
    }
    if (operation.is(number, Operation::Running) && work(operation, number, chair)) {
      patience.renew();
    }
    if (host_.aborted()) {
      operation.seats[chair]->wait.exchange(Seat::Settled);
      return Outcome::Failed;
    }
  } while (operation.is(number, Operation::Done) || patience.goOn());
  return Outcome::Pending;
}

Outcome Lane::postpone(Operation& operation, uint64_t number, size_t chair, Completion done) {
  Seat& seat = *operation.seats[chair];
  seat.arrival.done = std::move(done);
  seat.since.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
  uint8_t expected = Seat::Caller;
  if (!seat.wait.compare_exchange_strong(expected, Seat::Queue, std::memory_order_seq_cst)) {
    if (host_.aborted()) return Outcome::Failed;
    leave(operation, number);
    return Outcome::Done;
  }
  // From here on the operation may be over, and used again, at any time.
  host_.watch();
  host_.offer(*this, number);
  if (host_.aborted()) settleAlone(seat);
  return Outcome::Pending;
}

void Lane::settleAlone(Seat& seat) {
  if (seat.wait.exchange(Seat::Settled, std::memory_order_seq_cst) != Seat::Queue) return;
  const std::optional<Failure> reason = host_.failure();
  if (seat.arrival.done) seat.arrival.done(&*reason);
}

void Lane::gathered(Operation& operation, uint64_t number) {
  if (std::optional<Mismatch> mismatch = disagreement(operation)) {
    return host_.abort(std::move(*mismatch));
  }
  for (size_t chair = 0; chair < chairs_.size(); ++chair) {
    const Arrival& arrival = operation.seats[chair]->arrival;
    operation.signature = arrival.signature;
    if (chairs_[chair].place) operation.ranks[*chairs_[chair].place] = arrival.buffers;
  }
  operation.cut(host_.pieceOf(*this, operation.signature));
  if (host_.announce(*this, operation, number)) agreed(number);
}

std::optional<Mismatch> Lane::disagreement(const Operation& operation) const {
  const Signature& first = operation.seats[0]->arrival.signature;
  bool agree = true;
  for (const auto& seat : operation.seats) agree = agree && seat->arrival.signature == first;
  if (agree) return std::nullopt;
  std::vector<Marked> marked;
  for (size_t chair = 0; chair < chairs_.size(); ++chair) {
    marked.push_back({chairs_[chair].rank, operation.seats[chair]->arrival.signature});
  }
  return compare(marked);
}

void Lane::agreed(uint64_t number) {
  Operation* const operation = find(number);
  if (operation == nullptr) return;
  operation->setReady(true);
  start(*operation, number);
}

void Lane::start(Operation& operation, uint64_t number) {
  if (!operation.ready() || completed_.load(std::memory_order_seq_cst) != number) return;
  const uint64_t steps = operation.steps();
  if (!operation.enter()) return;
  if (operation.run(number)) {
    if (steps == 0) {
      finish(operation, number);
    } else if (needsHelp(operation)) {
      host_.offer(*this, number);
    }
  }
  leave(operation, number);
}

// Ranks that wait in their own threads will see that it runs; one that loses
// patience offers it itself.
bool Lane::needsHelp(const Operation& operation) const {
  const auto waits = [](const auto& seat) {
    return seat->wait.load(std::memory_order_seq_cst) == Seat::Caller;
  };
  const auto callers = std::ranges::count_if(operation.seats, waits);
  if (callers == 0) return true;
  return static_cast<size_t>(callers) < chairs_.size() && operation.steps() > 1;
}

// True when there was anything to do.
bool Lane::work(Operation& operation, uint64_t number, size_t share) {
  uint64_t step;
  bool any = false;
  while (!host_.aborted() && operation.take(share, step)) {
    any = true;
    host_.perform(*this, operation, number, step);
  }
  return any;
}

void Lane::stepDone(Operation& operation, uint64_t number) {
  if (operation.finishStep()) finish(operation, number);
}

// Tells everybody and starts the next one. Its own hold keeps the operation
// until the loop is through.
void Lane::finish(Operation& operation, uint64_t number) {
  operation.enter();
  operation.finish(number);
  completed_.store(number + 1, std::memory_order_seq_cst);
  for (const auto& seat : operation.seats) {
    if (seat->wait.exchange(Seat::Settled, std::memory_order_seq_cst) != Seat::Queue) continue;
    if (seat->arrival.done) seat->arrival.done(nullptr);
    leave(operation, number);
  }
  leave(operation, number);
  if (Operation* const next = find(number + 1)) start(*next, number + 1);
}

// After an abort nothing is used again: a late thread may still be in it.
void Lane::leave(Operation& operation, uint64_t number) {
  if (operation.leave() && !host_.aborted()) operation.reset(number + kPlaces);
}

void Lane::help(uint64_t number, size_t share) {
  Operation* const operation = find(number);
  if (operation == nullptr || !operation->enter()) return;
  if (operation->is(number, Operation::Running)) work(*operation, number, share);
  // It may have been used again between the look and the hold.
  leave(*operation, operation->number());
}

void Lane::sweep(const Failure& failure) {
  for (const auto& slot : operations_) {
    Operation* const operation = slot.load(std::memory_order_acquire);
    if (operation == nullptr) continue;
    for (const auto& seat : operation->seats) {
      if (!seat->arrived.load(std::memory_order_seq_cst)) continue;
      const uint8_t wait = seat->wait.exchange(Seat::Settled, std::memory_order_seq_cst);
      if (wait == Seat::Queue && seat->arrival.done) seat->arrival.done(&failure);
    }
  }
}

std::optional<Clock::time_point> Lane::waitingSince(const Operation& operation) const {
  int64_t first = 0;
  for (const auto& seat : operation.seats) {
    const int64_t since = seat->since.load(std::memory_order_relaxed);
    if (since != 0 && (first == 0 || since < first)) first = since;
  }
  if (first == 0) return std::nullopt;
  return Clock::time_point(Clock::duration(first));
}

std::vector<int> Lane::missing(const Operation& operation) const {
  std::vector<int> ranks;
  for (size_t chair = 0; chair < chairs_.size(); ++chair) {
    if (!operation.seats[chair]->arrived.load(std::memory_order_seq_cst)) {
      ranks.push_back(chairs_[chair].rank);
    }
  }
  return ranks;
}

// The operation that all later ones wait for; none when nobody waits for it.
std::optional<Lane::Waiting> Lane::waiting() const {
  const uint64_t number = completed_.load(std::memory_order_seq_cst);
  const Operation* const operation = find(number);
  if (operation == nullptr) return std::nullopt;
  const std::optional<Clock::time_point> since = waitingSince(*operation);
  if (!since) return std::nullopt;
  Waiting waiting{number, *since, Phase::Reduce, missing(*operation)};
  if (!waiting.missing.empty()) {
    waiting.phase = Phase::Arrive;
  } else if (!operation->ready()) {
    waiting.phase = Phase::Compare;
  }
  return waiting;
}

}  // namespace kaitian
