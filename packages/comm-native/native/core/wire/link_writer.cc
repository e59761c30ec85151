#include <utility>

#include "open_link.h"

namespace kaitian::wire {

void OpenLink::write() {
  ConnectionPtr connection;
  Batch batch;
  Clock::time_point pingDue;
  for (;;) {
    const uint32_t seen = writerBell_->read();
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return;
      if (connection != current_) {
        connection = current_;
        pingDue = Clock::now() + options_.keepAlive;
      }
      if (connection) collect(batch);
    }
    if (!connection) {
      writerBell_->wait(seen, Clock::time_point::max());
      continue;
    }
    if (batch.empty()) {
      if (writerBell_->wait(seen, pingDue)) continue;
      batch.add(PingFrame{});
    }
    writeOut(connection, batch);
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

void OpenLink::writeOut(const ConnectionPtr& connection, Batch& batch) {
  const std::lock_guard lock(connection->writing);
  for (auto pieces = batch.pieces(); !pieces.empty(); pieces = batch.pieces()) {
    const Socket::Moved moved = connection->socket.write(pieces);
    if (moved.ended) return lose(connection, {Loss::Reason::Closed, *moved.ended});
    batch.written(moved.bytes);
    if (moved.bytes == 0) connection->socket.waitWritable();
  }
}

// Only if no frame is half written and there is room for it: nothing depends on
// it, the end of the stream says almost as much.
void OpenLink::sayGoodbye(Connection& connection) {
  const std::unique_lock lock(connection.writing, std::try_to_lock);
  if (!lock.owns_lock()) return;
  Batch batch;
  batch.add(ByeFrame{});
  connection.socket.write(batch.pieces());
}

}  // namespace kaitian::wire
