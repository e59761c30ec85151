#include "operation.h"

#include <algorithm>
#include <utility>

namespace kaitian {

Operation::Operation(size_t seatCount, size_t rankCount, uint64_t places)
    : ranks(rankCount), places_(places), cursors_(seatCount) {
  for (size_t seat = 0; seat < seatCount; ++seat) seats.push_back(std::make_unique<Seat>());
}

bool Operation::isFree(uint64_t number) const {
  const uint64_t before = number / places_;
  return left_.load(std::memory_order_acquire) == before * seats.size() &&
         holds_.load(std::memory_order_seq_cst) == 0;
}

bool Operation::sit(size_t index, uint64_t number, Arrival arrival) {
  Seat& seat = *seats[index];
  const bool queued = arrival.done != nullptr || arrival.silent;
  seat.signature = arrival.signature;
  seat.buffers = arrival.buffers;
  seat.sendPin = std::move(arrival.sendPin);
  seat.recvPin = std::move(arrival.recvPin);
  if (queued) {
    const bool waits = arrival.done != nullptr;
    seat.done = std::move(arrival.done);
    seat.since.store(waits ? Clock::now().time_since_epoch().count() : 0,
                     std::memory_order_relaxed);
  }
  // An abort's sweep may take who is to be told from here on.
  seat.wait.store(queued ? Seat::Queue : Seat::Caller, std::memory_order_release);
  // Against the look at the abort word that follows: either an abort's sweep
  // sees this seat, or this seat's thread sees the abort.
  seat.arrived.store(number + 1, std::memory_order_seq_cst);
  const uint64_t full = (number / places_ + 1) * seats.size();
  return sat_.fetch_add(1, std::memory_order_seq_cst) + 1 == full;
}

void Operation::cut(size_t pieceElements, size_t shares) {
  piece = pieceElements;
  schedule = &scheduleOf(signature.collective);
  const uint64_t steps = schedule->steps(call(), piece);
  steps_.store(steps, std::memory_order_relaxed);
  remaining_.store(steps, std::memory_order_relaxed);
  for (size_t share = 0; share < cursors_.size(); ++share) {
    cursors_[share].next.store(steps * std::min(share, shares) / shares,
                               std::memory_order_relaxed);
    cursors_[share].end = steps * std::min(share + 1, shares) / shares;
  }
}

bool Operation::start(uint64_t number) {
  uint64_t before = number < places_ ? ~uint64_t{0} : word(number - places_, Done);
  return state_.compare_exchange_strong(before, word(number, Started), std::memory_order_acq_rel);
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

void Operation::leave(size_t index) {
  Seat& seat = *seats[index];
  seat.since.store(0, std::memory_order_relaxed);
  if (seat.sendPin) seat.sendPin = nullptr;
  if (seat.recvPin) seat.recvPin = nullptr;
  if (seat.done) seat.done = nullptr;
  left_.fetch_add(1, std::memory_order_release);
}

}  // namespace kaitian
