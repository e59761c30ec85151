#include "operation.h"

#include <utility>

namespace kaitian {

Operation::Operation(size_t seatCount, size_t rankCount, uint64_t number)
    : ranks(rankCount), state_(number << 2 | Gathering), users_(seatCount), cursors_(seatCount) {
  for (size_t seat = 0; seat < seatCount; ++seat) seats.push_back(std::make_unique<Seat>());
}

bool Operation::sit(size_t index, Arrival arrival) {
  Seat& seat = *seats[index];
  const bool queued = arrival.done != nullptr || arrival.silent;
  seat.since.store(arrival.done ? Clock::now().time_since_epoch().count() : 0,
                   std::memory_order_relaxed);
  seat.arrival = std::move(arrival);
  seat.wait.store(queued ? Seat::Queue : Seat::Caller, std::memory_order_relaxed);
  // Against the look at the abort word that follows: either an abort's sweep
  // sees this seat, or this seat's thread sees the abort.
  seat.arrived.store(true, std::memory_order_seq_cst);
  return sat_.fetch_add(1, std::memory_order_seq_cst) + 1 == seats.size();
}

void Operation::cut(size_t pieceElements) {
  piece = pieceElements;
  schedule = &scheduleOf(signature.collective);
  const uint64_t steps = schedule->steps(call(), piece);
  steps_.store(steps, std::memory_order_relaxed);
  const uint64_t shares = cursors_.size();
  for (uint64_t share = 0; share < shares; ++share) {
    cursors_[share].next.store(steps * share / shares, std::memory_order_relaxed);
    cursors_[share].end = steps * (share + 1) / shares;
  }
  remaining_.store(steps, std::memory_order_relaxed);
}

bool Operation::run(uint64_t number) {
  uint64_t expected = number << 2 | Gathering;
  return state_.compare_exchange_strong(expected, number << 2 | Running,
                                        std::memory_order_acq_rel);
}

bool Operation::take(size_t share, uint64_t& step) {
  for (size_t i = 0; i < cursors_.size(); ++i) {
    Cursor& cursor = cursors_[(share + i) % cursors_.size()];
    // Looked at first: counting up what is exhausted would bounce the line.
    if (cursor.next.load(std::memory_order_relaxed) >= cursor.end) continue;
    step = cursor.next.fetch_add(1, std::memory_order_relaxed);
    if (step < cursor.end) return true;
  }
  return false;
}

bool Operation::enter() {
  size_t users = users_.load(std::memory_order_relaxed);
  do {
    if (users == 0) return false;
  } while (!users_.compare_exchange_weak(users, users + 1, std::memory_order_acquire));
  return true;
}

void Operation::reset(uint64_t nextNumber) {
  for (const auto& seat : seats) {
    seat->arrived.store(false, std::memory_order_relaxed);
    seat->since.store(0, std::memory_order_relaxed);
    seat->arrival = {};
  }
  sat_.store(0, std::memory_order_relaxed);
  ready_.store(false, std::memory_order_relaxed);
  users_.store(seats.size(), std::memory_order_relaxed);
  state_.store(nextNumber << 2 | Gathering, std::memory_order_release);
}

}  // namespace kaitian
