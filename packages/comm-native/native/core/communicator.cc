#include "communicator.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <thread>
#include <utility>

namespace kaitian {
namespace {

// A rank's buffer is cut so that each seat has some steps to itself, but a
// step is worth the atomic operations it costs and fits the second-level cache.
constexpr size_t kSmallestStep = 8 * 1024;
constexpr size_t kLargestStep = 128 * 1024;

size_t processors() { return std::max(1u, std::thread::hardware_concurrency()); }

}  // namespace

// Says that a thread of a rank or leader is in a call, for as long as it is.
class Communicator::Inside {
 public:
  Inside(const Communicator& communicator, SeatState& state) : state_(state) {
    // Against the end: either it sees this thread, or this thread sees the abort.
    state_.inside.store(true, std::memory_order_seq_cst);
    late_ = communicator.aborted();
  }
  ~Inside() { state_.inside.store(false, std::memory_order_release); }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

  bool late() const { return late_; }

 private:
  SeatState& state_;
  bool late_;
};

Communicator::Communicator(CommunicatorOptions options)
    : options_(std::move(options)),
      first_(options_.group ? groups().first(*options_.group) : 0),
      crew_(options_.group ? 3 : std::min(ranksHere(), processors()), options_.group.has_value(),
            {[this] { return aborted(); },
             [this] { return span_ != nullptr && span_->runTask(); },
             [this] { return lookAtDeadlines(); }, [this] { ended(); },
             [this](std::string why) { abort(Aborted{std::move(why)}); }}) {
  const auto state = [] { return std::make_unique<SeatState>(); };
  std::generate_n(std::back_inserter(seats_), ranksHere(), state);
  oversubscribed_ = ranksHere() > processors();
  calls_ = &makeLane(kCallLane, kCallsAhead, false);
  buckets_ = &makeLane(kBucketLane, kBucketsAhead, true);
  if (options_.group) openSpan();
}

void Communicator::openSpan() {
  SpanOptions options;
  options.groups = options_.groups;
  options.group = *options_.group;
  options.wire = options_.wire;
  options.generation = options_.generation;
  options.trunks = options_.trunks;
  for (const auto& trunk : options_.trunks) {
    if (trunk == nullptr) continue;
    options.chunkBytes = trunk->options().chunkBytes;
    options.window = trunk->options().window;
  }
  SpanHost& host = *this;
  span_ = std::make_unique<Span>(std::move(options), host);
  span_->enter();
}

Communicator::~Communicator() { close(); }

size_t Communicator::ranksHere() const {
  return options_.group ? groups().sizeOf(*options_.group) : groups().ranks();
}

Lane& Communicator::makeLane(uint32_t id, uint64_t capacity, bool led) {
  std::vector<Lane::Chair> chairs;
  if (led) chairs.push_back({leaderOf(options_.group.value_or(0)), std::nullopt});
  for (size_t rank = first_; rank < first_ + ranksHere(); ++rank) {
    chairs.push_back({static_cast<int>(rank), rank});
  }
  std::vector<size_t> ranks(groups().ranks());
  std::iota(ranks.begin(), ranks.end(), 0);
  LaneHost& host = *this;
  return keep(std::make_unique<Lane>(host, id, capacity, std::move(ranks), std::move(chairs)));
}

Lane& Communicator::passLane(size_t from, size_t to) {
  {
    const std::lock_guard lock(mutex_);
    const auto known = passLanes_.find({from, to});
    if (known != passLanes_.end()) return *known->second;
  }
  std::vector<Lane::Chair> chairs;
  if (isHere(from)) chairs.push_back({static_cast<int>(from), 0});
  if (isHere(to)) chairs.push_back({static_cast<int>(to), 1});
  const auto id = static_cast<uint32_t>(kFirstPassLane + from * ranks() + to);
  LaneHost& host = *this;
  auto lane = std::make_unique<Lane>(host, id, kCallsAhead, std::vector<size_t>{from, to},
                                     std::move(chairs));
  const std::lock_guard lock(mutex_);
  const auto [entry, added] = passLanes_.try_emplace({from, to}, lane.get());
  if (added) lanes_.push_back(std::move(lane));
  return *entry->second;
}

Lane& Communicator::keep(std::unique_ptr<Lane> lane) {
  const std::lock_guard lock(mutex_);
  lanes_.push_back(std::move(lane));
  return *lanes_.back();
}

std::vector<Lane*> Communicator::lanes() const {
  const std::lock_guard lock(mutex_);
  std::vector<Lane*> lanes;
  for (const auto& lane : lanes_) lanes.push_back(lane.get());
  return lanes;
}

Outcome Communicator::issue(const Signature& signature, Completion done) {
  const Inside inside(*this, leader_);
  if (inside.late()) return Outcome::Failed;
  Arrival arrival;
  arrival.signature = signature;
  arrival.done = std::move(done);
  return buckets_->arrive(0, std::move(arrival));
}

bool Communicator::join(size_t rank) { return !seat(rank).joined.exchange(true); }

Outcome Communicator::ready(size_t rank, const Signature& signature) {
  const Inside inside(*this, seat(rank));
  // A late mark is harmless: nobody looks at it after an abort.
  if (inside.late()) return Outcome::Failed;
  Arrival arrival;
  arrival.signature = signature;
  arrival.silent = true;
  const auto& regions = options_.regions[static_cast<size_t>(signature.dtype)];
  if (!regions.empty()) {
    // Not looked into before all signatures, the leader's checked one among them, agree.
    std::byte* const data =
        regions[rank - first_].data + signature.offset * widthOf(signature.dtype);
    arrival.buffers = {data, data};
  }
  // Behind the leader's.
  return buckets_->arrive(1 + rank - first_, std::move(arrival));
}

Outcome Communicator::call(size_t rank, Arrival arrival, const std::function<Completion()>& later) {
  const Inside inside(*this, seat(rank));
  if (inside.late()) return Outcome::Failed;
  arrival.signature.sequence = calls_->next(rank - first_);
  return attend(*calls_, rank - first_, std::move(arrival), later);
}

Outcome Communicator::callLater(size_t rank, Arrival arrival) {
  const Inside inside(*this, seat(rank));
  if (inside.late()) return Outcome::Failed;
  arrival.signature.sequence = calls_->next(rank - first_);
  arrival.signature.generation = options_.generation;
  return calls_->arrive(rank - first_, std::move(arrival));
}

Outcome Communicator::pass(size_t from, size_t to, size_t rank, Arrival arrival,
                           const std::function<Completion()>& later) {
  const Inside inside(*this, seat(rank));
  if (inside.late()) return Outcome::Failed;
  Lane& lane = passLane(from, to);
  const size_t chair = rank == from ? 0 : lane.chairs().size() - 1;
  arrival.signature.sequence = lane.next(chair);
  return attend(lane, chair, std::move(arrival), later);
}

// What goes to other groups is for the crew alone.
Outcome Communicator::attend(Lane& lane, size_t chair, Arrival arrival,
                             const std::function<Completion()>& later) {
  arrival.signature.generation = options_.generation;
  if (performsAtOnce()) return lane.attend(chair, std::move(arrival), patience(), later);
  arrival.done = later();
  return lane.arrive(chair, std::move(arrival));
}

void Communicator::leave(size_t rank) {
  seat(rank).left.store(true, std::memory_order_seq_cst);
  leavers_.fetch_add(1, std::memory_order_seq_cst);
  if (span_ != nullptr) crew_.start();
  crew_.ring();
}

void Communicator::abort(Failure failure) { end(std::move(failure), true); }

void Communicator::retire(std::string cause) { end(Aborted{std::move(cause)}, false); }

void Communicator::end(Failure failure, bool tells) {
  const std::lock_guard sweeping(sweeping_);
  {
    const std::lock_guard lock(mutex_);
    if (failure_) return;
    failure_ = std::move(failure);
    aborted_.store(true, std::memory_order_seq_cst);
  }
  // From now on it does not change any more.
  for (Lane* const lane : lanes()) tells = lane->sweep(*failure_) || tells;
  if (span_ != nullptr) span_->abort(*failure_, tells);
  crew_.ring();
}

std::optional<Failure> Communicator::failure() const {
  if (!aborted()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  return failure_;
}

bool Communicator::announce(Lane& lane, Operation& operation, uint64_t number) {
  return span_ == nullptr || span_->announce(lane, operation, number);
}

void Communicator::offer(Lane& lane, uint64_t number) {
  if (span_ != nullptr) span_->started(lane, number);
  crew_.offer(lane, number);
}

Lane* Communicator::laneOf(uint32_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(lanes_, id, [](const auto& lane) { return lane->id(); });
  return found == lanes_.end() ? nullptr : found->get();
}

bool Communicator::perform(Lane& lane, Operation& operation, uint64_t number, uint64_t index) {
  if (span_ != nullptr) return span_->perform(lane, operation, number, index);
  thread_local Step step;
  operation.schedule->fill(operation.call(), operation.piece, index, step);
  kaitian::perform(step, operation.signature, groups(), options_.wire, lane.ranks());
  return true;
}

size_t Communicator::pieceOf(const Lane& lane, const Signature& signature) const {
  if (span_ != nullptr) return span_->pieceOf(signature);
  const size_t width = widthOf(signature.dtype);
  const uint64_t share = signature.count * width / lane.chairs().size();
  return std::clamp<uint64_t>(share, kSmallestStep, kLargestStep) / width;
}

void Communicator::whenEnded(std::function<void()> ended) {
  {
    const std::lock_guard lock(mutex_);
    if (!ended_) {
      whenEnded_ = std::move(ended);
      ended = nullptr;
    }
  }
  if (ended) return ended();
  crew_.start();
  if (crew_.isDeserted()) this->ended();
}

// The crew's last act. Threads of ranks see the abort after a step at most.
void Communicator::ended() {
  if (span_ != nullptr) span_->exit(*failure());
  awaitNobodyInside();
  std::function<void()> ended;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    ended.swap(whenEnded_);
  }
  if (ended) ended();
}

void Communicator::awaitNobodyInside() const {
  const auto inside = [](const auto& state) {
    return state->inside.load(std::memory_order_seq_cst);
  };
  while (inside(&leader_) || std::ranges::any_of(seats_, inside)) {
    std::this_thread::yield();
  }
}

void Communicator::close() {
  retire("The leader's thread ended.");
  crew_.join();
  if (span_ != nullptr) span_->exit(*failure());
  awaitNobodyInside();
  const std::lock_guard sweeping(sweeping_);
  for (auto& regions : options_.regions) regions.clear();
  const std::lock_guard lock(mutex_);
  lanes_.clear();
}

}  // namespace kaitian
