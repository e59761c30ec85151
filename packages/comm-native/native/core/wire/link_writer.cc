#include <utility>

#include "open_link.h"

namespace kaitian::wire {

void OpenLink::write() {
  for (;;) {
    const uint32_t seen = writerBell_->read();
    Pumped pumped;
    ConnectionPtr connection;
    Clock::time_point pingDue;
    {
      const std::lock_guard lock(writing_);
      asked_.store(false);
      pumped = pump();
      if (closed_) return sayGoodbye();
      if (pumped == Pumped::All && outlet_.writable && Clock::now() >= outlet_.pingDue) {
        outlet_.batch.add(PingFrame{});
        pumped = pump();
      }
      connection = outlet_.connection;
      pingDue = outlet_.writable ? outlet_.pingDue : Clock::time_point::max();
    }
    if (asked_.load()) continue;
    if (pumped == Pumped::All) {
      writerBell_->wait(seen, pingDue);
      continue;
    }
    connection->writerWaits.store(true);
    if (!closed_) connection->socket.waitWritable();
    connection->writerWaits.store(false);
  }
}

// Whoever has something to send writes it, or leaves it to the thread that is
// at it just then; the writer comes in only where the stream takes no more.
// Waking it would cost as much as a call of the system, and on a busy processor
// the time until it runs.
void OpenLink::flush() {
  // Either the try below succeeds, or who holds the lock sees this behind it.
  asked_.store(true);
  while (asked_.load()) {
    const std::unique_lock lock(writing_, std::try_to_lock);
    // The last words are the writer's.
    if (!lock || closed_) return;
    asked_.store(false);
    if (pump() == Pumped::Some) return writerBell_->ring();
  }
}

// Writes what there is, for as long as it takes no wait. A stream that is
// broken is not lost yet: what the peer said last, perhaps why it left, is
// still to be read, and the reader comes upon the same end behind it.
OpenLink::Pumped OpenLink::pump() {
  for (;;) {
    takeUp();
    if (!outlet_.writable || outlet_.batch.empty()) return Pumped::All;
    const Socket::Moved moved = outlet_.connection->socket.write(outlet_.batch.pieces());
    outlet_.batch.written(moved.bytes);
    if (moved.ended) {
      outlet_.writable = false;
      outlet_.batch.clear();
    } else if (outlet_.batch.pieces().empty()) {
      outlet_.batch.clear();
      outlet_.pingDue = Clock::now() + options_.keepAlive;
    } else if (moved.bytes == 0) {
      return Pumped::Some;
    }
  }
}

// The current connection, and what is due on it.
void OpenLink::takeUp() {
  // Of the connection before; its pins go outside the lock.
  Batch dropped;
  const std::lock_guard lock(mutex_);
  if (outlet_.connection != current_) {
    outlet_.connection = current_;
    outlet_.writable = current_ != nullptr;
    outlet_.pingDue = Clock::now() + options_.keepAlive;
    std::swap(dropped, outlet_.batch);
  }
  if (outlet_.writable && outlet_.batch.empty()) collect(outlet_.batch);
}

// Credit before data: the peer may be waiting for it in order to send.
void OpenLink::collect(Batch& batch) {
  if (acks_->take()) {
    // Consumed first, so that it never says more than received does.
    const Slots::Counts consumed = slots_->consumed();
    batch.add(AckFrame{receiver_.received(), consumed});
  }
  while (!batch.full()) {
    std::optional<Sender::Outgoing> frame = sender_.next();
    if (!frame) return;
    batch.add(std::move(*frame));
  }
}

// What fits without a wait. Nothing depends on it, but an abort that is queued
// says more than the end of the stream does.
void OpenLink::sayGoodbye() {
  if (!outlet_.writable) return;
  // What is half written takes no more frames.
  if (outlet_.batch.empty()) outlet_.batch.add(ByeFrame{});
  outlet_.connection->socket.write(outlet_.batch.pieces());
}

}  // namespace kaitian::wire
