#include <utility>

#include "open_link.h"

namespace kaitian::wire {

void OpenLink::write() {
  ConnectionPtr connection;
  bool writable = false;
  Batch batch;
  Clock::time_point pingDue;
  for (;;) {
    const uint32_t seen = writerBell_->read();
    bool closed;
    {
      const std::lock_guard lock(mutex_);
      closed = closed_.load();
      if (connection != current_) {
        connection = current_;
        writable = connection != nullptr;
        pingDue = Clock::now() + options_.keepAlive;
      }
      if (writable) collect(batch);
    }
    if (closed) {
      if (writable) sayGoodbye(*connection, batch);
      return;
    }
    if (!writable) {
      writerBell_->wait(seen, Clock::time_point::max());
      continue;
    }
    if (batch.empty()) {
      if (writerBell_->wait(seen, pingDue)) continue;
      batch.add(PingFrame{});
    }
    writable = writeOut(*connection, batch);
    // Pins go here, outside the lock.
    batch.clear();
    pingDue = Clock::now() + options_.keepAlive;
  }
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

// Whether all is written. A stream that takes no more is not lost yet: what the
// peer said last, perhaps why it left, is still to be read, and the reader comes
// upon the same end behind it.
bool OpenLink::writeOut(Connection& connection, Batch& batch) {
  for (auto pieces = batch.pieces(); !pieces.empty(); pieces = batch.pieces()) {
    const Socket::Moved moved = connection.socket.write(pieces);
    if (moved.ended) return false;
    batch.written(moved.bytes);
    if (moved.bytes > 0) continue;
    connection.writerWaits.store(true);
    if (closed_.load()) return false;
    connection.socket.waitWritable();
    connection.writerWaits.store(false);
  }
  return true;
}

// What fits without a wait. Nothing depends on it, but an abort that is queued
// says more than the end of the stream does.
void OpenLink::sayGoodbye(Connection& connection, Batch& batch) {
  batch.add(ByeFrame{});
  connection.socket.write(batch.pieces());
}

}  // namespace kaitian::wire
