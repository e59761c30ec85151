#include "lane.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace kaitian {
namespace {

// Up to here whoever starts an operation does all of it: telling others to help
// would take as long.
constexpr uint64_t kAloneBytes = 16 * 1024;

}  // namespace

Lane::Lane(LaneHost& host, uint32_t id, uint64_t capacity, std::vector<size_t> ranks,
           std::vector<Chair> chairs)
    : host_(host),
      id_(id),
      capacity_(capacity),
      ranks_(std::move(ranks)),
      chairs_(std::move(chairs)),
      counts_(chairs_.size()),
      operations_(2 * capacity) {}

Operation& Lane::place(uint64_t number) {
  std::atomic<Operation*>& slot = operations_[number % operations_.size()];
  if (Operation* const known = slot.load(std::memory_order_acquire)) return *known;
  const std::lock_guard lock(growing_);
  if (Operation* const known = slot.load(std::memory_order_acquire)) return *known;
  owned_.push_back(
      std::make_unique<Operation>(chairs_.size(), ranks_.size(), operations_.size()));
  slot.store(owned_.back().get(), std::memory_order_release);
  return *owned_.back();
}

Operation* Lane::find(uint64_t number) const {
  return operations_[number % operations_.size()].load(std::memory_order_acquire);
}

// Null when the rank is too far ahead, or all is over. There are twice as many
// places as operations may be under way, so that whoever is slow to leave an
// old one is hardly ever waited for.
Operation* Lane::sit(size_t chair, Arrival& arrival, uint64_t& number, bool& last) {
  number = counts_[chair].next;
  if (number >= counts_[chair].limit) {
    counts_[chair].limit = completed_.load(std::memory_order_acquire) + capacity_;
    if (number >= counts_[chair].limit) return nullptr;
  }
  Operation& operation = place(number);
  while (!operation.isFree(number)) {
    if (host_.aborted()) return nullptr;
    std::this_thread::yield();
  }
  ++counts_[chair].next;
  last = operation.sit(chair, number, std::move(arrival));
  return &operation;
}

Outcome Lane::arrive(size_t chair, Arrival arrival) {
  const bool waited = arrival.done != nullptr;
  uint64_t number;
  bool last;
  Operation* const operation = sit(chair, arrival, number, last);
  if (operation == nullptr) return host_.aborted() ? Outcome::Failed : Outcome::TooFar;
  if (last) gathered(*operation, number, Starter::Passes);
  if (waited) host_.watch();
  if (host_.aborted()) settle(*operation->seats[chair]);
  return Outcome::Pending;
}

Outcome Lane::attend(size_t chair, Arrival arrival, Patience patience,
                     const std::function<Completion()>& later) {
  uint64_t number;
  bool last;
  Operation* const operation = sit(chair, arrival, number, last);
  if (operation == nullptr) return host_.aborted() ? Outcome::Failed : Outcome::TooFar;
  if (last) gathered(*operation, number, Starter::Works);
  const Outcome outcome = wait(*operation, number, chair, patience);
  return outcome == Outcome::Pending ? postpone(*operation, number, chair, later()) : outcome;
}

// Works and spins until the operation is over, or patience is.
Outcome Lane::wait(Operation& operation, uint64_t number, size_t chair, Patience patience) {
  for (;;) {
    if (operation.isOver(number)) {
      operation.leave(chair);
      return Outcome::Done;
    }
    if (operation.is(number, Operation::Running) && work(operation, number, chair)) {
      patience.renew();
      continue;
    }
    if (host_.aborted()) {
      operation.seats[chair]->wait.exchange(Seat::Settled);
      return Outcome::Failed;
    }
    if (!patience.goOn()) return Outcome::Pending;
  }
}

Outcome Lane::postpone(Operation& operation, uint64_t number, size_t chair, Completion done) {
  Seat& seat = *operation.seats[chair];
  seat.done = std::move(done);
  seat.since.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
  uint8_t expected = Seat::Caller;
  if (!seat.wait.compare_exchange_strong(expected, Seat::Queue, std::memory_order_seq_cst)) {
    if (!operation.isOver(number)) return Outcome::Failed;
    operation.leave(chair);
    return Outcome::Done;
  }
  // From here on the operation may be over, and used again, at any time.
  host_.watch();
  host_.offer(*this, number);
  if (host_.aborted()) settle(seat);
  return Outcome::Pending;
}

// After an abort, for whoever came too late for its sweep.
void Lane::settle(Seat& seat) {
  if (seat.wait.exchange(Seat::Settled, std::memory_order_seq_cst) != Seat::Queue) return;
  const std::optional<Failure> reason = host_.failure();
  if (seat.done) seat.done(&*reason);
}

void Lane::gathered(Operation& operation, uint64_t number, Starter starter) {
  if (std::optional<Mismatch> mismatch = disagreement(operation)) {
    return host_.abort(std::move(*mismatch));
  }
  operation.signature = operation.seats[0]->signature;
  for (size_t chair = 0; chair < chairs_.size(); ++chair) {
    const std::optional<size_t> place = chairs_[chair].place;
    if (place) operation.ranks[*place] = operation.seats[chair]->buffers;
  }
  const size_t shares = host_.performsAtOnce() ? chairs_.size() : 1;
  operation.cut(host_.pieceOf(*this, operation.signature), shares);
  if (!host_.announce(*this, operation, number)) return;
  operation.setReady(number);
  start(operation, number, starter);
}

std::optional<Mismatch> Lane::disagreement(const Operation& operation) const {
  const Signature& first = operation.seats[0]->signature;
  const auto same = [&](const auto& seat) { return seat->signature == first; };
  if (std::ranges::all_of(operation.seats, same)) return std::nullopt;
  std::vector<Marked> marked;
  for (size_t chair = 0; chair < chairs_.size(); ++chair) {
    marked.push_back({chairs_[chair].rank, operation.seats[chair]->signature});
  }
  return compare(id_, marked);
}

void Lane::agreed(uint64_t number) {
  Operation& operation = *find(number);
  operation.setReady(number);
  start(operation, number, Starter::Passes);
}

void Lane::start(Operation& operation, uint64_t number, Starter starter) {
  if (!operation.isReady(number)) return;
  if (completed_.load(std::memory_order_seq_cst) != number) return;
  if (!operation.start(number)) return;
  const uint64_t bytes = operation.signature.count * widthOf(operation.signature.dtype);
  if (operation.steps() == 0) {
    finish(operation, number);
  } else if (starter == Starter::Works && bytes <= kAloneBytes && host_.performsAtOnce()) {
    work(operation, number, 0);
  } else {
    operation.run(number);
    // From here on it may be over, and used again, at any time; then the look at
    // its seats says nothing, and help finds nothing to do. It comes second so
    // that whoever lets go after it is looked at finds it running.
    if (needsHelp(operation)) host_.offer(*this, number);
  }
}

// Ranks that wait in their own threads will see that it runs; one that loses
// patience offers it itself.
bool Lane::needsHelp(const Operation& operation) const {
  const auto waits = [](const auto& seat) {
    return seat->wait.load(std::memory_order_seq_cst) == Seat::Caller;
  };
  const auto callers = std::ranges::count_if(operation.seats, waits);
  if (callers == 0 || !host_.performsAtOnce()) return true;
  return static_cast<size_t>(callers) < chairs_.size() && operation.steps() > 1;
}

// True when there was anything to do.
bool Lane::work(Operation& operation, uint64_t number, size_t share) {
  uint64_t step;
  bool any = false;
  // Counted for all at once: the count is on a line that all threads write to.
  uint64_t done = 0;
  while (!host_.aborted() && operation.take(share, step)) {
    any = true;
    if (host_.perform(*this, operation, number, step)) ++done;
  }
  if (done > 0) stepsDone(operation, number, done);
  return any;
}

void Lane::stepsDone(Operation& operation, uint64_t number, uint64_t steps) {
  if (operation.finishSteps(steps)) finish(operation, number);
}

// Tells everybody and starts the next one. Its own hold keeps the operation
// until the loop is through.
void Lane::finish(Operation& operation, uint64_t number) {
  operation.hold();
  operation.advance(number, Operation::Done);
  completed_.store(number + 1, std::memory_order_seq_cst);
  for (size_t chair = 0; chair < chairs_.size(); ++chair) {
    Seat& seat = *operation.seats[chair];
    if (seat.wait.exchange(Seat::Settled, std::memory_order_seq_cst) != Seat::Queue) continue;
    const Completion done = std::move(seat.done);
    operation.leave(chair);
    if (done) done(nullptr);
  }
  operation.release();
  if (Operation* const next = find(number + 1)) start(*next, number + 1, Starter::Passes);
}

Operation* Lane::running(uint64_t number) const {
  Operation* const operation = find(number);
  const bool runs = operation != nullptr && operation->is(number, Operation::Running);
  return runs ? operation : nullptr;
}

void Lane::help(uint64_t number, size_t share) {
  Operation& operation = *find(number);
  operation.hold();
  if (operation.is(number, Operation::Running)) work(operation, number, share);
  operation.release();
}

bool Lane::sweep(const Failure& failure) {
  bool any = false;
  for (const auto& slot : operations_) {
    Operation* const operation = slot.load(std::memory_order_acquire);
    if (operation == nullptr) continue;
    for (const auto& seat : operation->seats) {
      if (seat->arrived.load(std::memory_order_seq_cst) == 0) continue;
      const uint8_t wait = seat->wait.exchange(Seat::Settled, std::memory_order_seq_cst);
      if (wait != Seat::Queue || !seat->done) continue;
      any = true;
      seat->done(&failure);
    }
  }
  return any;
}

// Since when somebody waits for it asynchronously.
std::optional<Clock::time_point> Lane::waitedSince(const Operation& operation) const {
  int64_t first = 0;
  for (const auto& seat : operation.seats) {
    const int64_t since = seat->since.load(std::memory_order_relaxed);
    if (since != 0 && (first == 0 || since < first)) first = since;
  }
  if (first == 0) return std::nullopt;
  return Clock::time_point(Clock::duration(first));
}

std::vector<int> Lane::missing(const Operation& operation, uint64_t number) const {
  std::vector<int> ranks;
  for (size_t chair = 0; chair < chairs_.size(); ++chair) {
    if (!operation.hasArrived(chair, number)) ranks.push_back(chairs_[chair].rank);
  }
  return ranks;
}

std::vector<int> Lane::missing(uint64_t number) const {
  const Operation* const operation = find(number);
  if (operation != nullptr) return missing(*operation, number);
  std::vector<int> ranks;
  for (const Chair& chair : chairs_) ranks.push_back(chair.rank);
  return ranks;
}

// All later operations wait for the first that is not over.
std::optional<Lane::Waiting> Lane::waiting() const {
  const uint64_t number = completed_.load(std::memory_order_seq_cst);
  const Operation* const operation = find(number);
  if (operation == nullptr) return std::nullopt;
  const std::optional<Clock::time_point> since = waitedSince(*operation);
  if (!since) return std::nullopt;
  Waiting waiting{number, *since, Phase::Reduce, missing(*operation, number)};
  if (!waiting.missing.empty()) {
    waiting.phase = Phase::Arrive;
  } else if (!operation->isReady(number)) {
    waiting.phase = Phase::Compare;
  }
  // What was read may be of different operations, if it was just over.
  if (completed_.load(std::memory_order_seq_cst) != number) return std::nullopt;
  return waiting;
}

}  // namespace kaitian
