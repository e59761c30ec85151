#include <new>
#include <string>
#include <utility>

#include "open_link.h"
#include "wire_error.h"

namespace kaitian::wire {
namespace {

// Between two frames of a call.
constexpr std::chrono::microseconds kPause{300};

}  // namespace

void OpenLink::read() {
  while (const ConnectionPtr connection = nextConnection()) serve(connection);
}

// None once the link is closed and every loss reported.
OpenLink::ConnectionPtr OpenLink::nextConnection() {
  for (;;) {
    const uint32_t seen = readerBell_.read();
    {
      const std::lock_guard lock(mutex_);
      if (!attached_.empty()) {
        ConnectionPtr connection = std::move(attached_.front());
        attached_.pop_front();
        return connection;
      }
      if (closed_) return nullptr;
    }
    readerBell_.wait(seen, Clock::time_point::max());
  }
}

void OpenLink::serve(const ConnectionPtr& connection) {
  receiver_.attach();
  FrameReader frames([this](const ChunkFrame& chunk, size_t bytes) {
    return receiver_.place(chunk, bytes);
  });
  try {
    receive(*connection, frames);
  } catch (const WireError& error) {
    lose(connection, {error.reason, error.what()});
  } catch (const std::bad_alloc&) {
    lose(connection, {Loss::Reason::Local, "this end has no memory for what came"});
  }
  receiver_.abandon();
  Loss loss;
  {
    const std::lock_guard lock(mutex_);
    loss = connection->loss;
  }
  events_.lost(loss);
}

// Until the connection is over; throws WireError for the reasons found here.
void OpenLink::receive(Connection& connection, FrameReader& frames) {
  for (std::span<const std::byte> early = connection.early; !early.empty();) {
    early = early.subspan(frames.copy(early));
    deliver(frames);
  }
  Clock::time_point heard = Clock::now();
  bool silent = false;
  while (!connection.over.load()) {
    const FrameReader::Room room = frames.room();
    const iovec pieces[] = {{room[0].data(), room[0].size()}, {room[1].data(), room[1].size()}};
    const Socket::Moved moved = connection.socket.read({pieces, room[1].empty() ? 1u : 2u});
    if (moved.ended) {
      throw WireError(Loss::Reason::Closed,
                      *moved.ended + (frames.midFrame() ? " within a frame" : ""));
    }
    if (moved.bytes > 0) {
      heard = Clock::now();
      silent = false;
      frames.filled(moved.bytes);
      deliver(frames);
      if (acks_->isDue()) flush();
      continue;
    }
    // Only now, with nothing to read even after the wait: a process that was
    // stopped for a while must not take its own silence for the peer's.
    if (silent) {
      throw WireError(Loss::Reason::Silent, "nothing came for " +
                                                std::to_string(options_.silence.count()) + " ms");
    }
    // In the midst of a call more comes at once, and carries acknowledgements of
    // several frames together.
    if (acks_->owes() && connection.socket.waitReadable(Clock::now() + kPause)) continue;
    acks_->idle(true);
    if (acks_->isDue()) flush();
    const Clock::time_point until = heard + options_.silence;
    silent = !connection.socket.waitReadable(until);
    acks_->idle(false);
    // Whoever was stopped for a while hears the peer, which may have been stopped
    // with it, again before long.
    if (silent && Clock::now() > until + options_.silence / 8) {
      silent = false;
      heard = Clock::now();
    }
  }
}

void OpenLink::deliver(FrameReader& frames) {
  while (const std::optional<FrameReader::Frame> frame = frames.next()) {
    const Header& header = frame->header;
    if (const auto* chunk = std::get_if<ChunkFrame>(&header)) {
      deliver(*chunk, frame->payload);
    } else if (const auto* ack = std::get_if<AckFrame>(&header)) {
      onAcknowledgement(*ack);
    } else if (const auto* announce = std::get_if<AnnounceFrame>(&header)) {
      if (!receiver_.count(announce->number)) continue;
      acks_->onReceived();
      events_.announcement(announce->announcement);
    } else if (const auto* abort = std::get_if<AbortFrame>(&header)) {
      if (!receiver_.count(abort->number)) continue;
      acks_->onReceived();
      events_.abort(abort->notice);
    } else if (const auto* empty = std::get_if<EmptyFrame>(&header)) {
      receiver_.complete(*empty);
      acks_->onReceived();
    } else if (std::holds_alternative<ByeFrame>(header)) {
      throw WireError(Loss::Reason::Closed, "the peer closed the link");
    }
    // A ping has done its work by coming.
  }
}

void OpenLink::deliver(const ChunkFrame& chunk, std::span<const std::byte> payload) {
  std::optional<Received> received = receiver_.complete(chunk, payload);
  acks_->onReceived();
  if (received) events_.chunk(std::move(*received));
}

void OpenLink::onAcknowledgement(const AckFrame& ack) {
  Sender::Pins pins;
  {
    const std::lock_guard lock(mutex_);
    pins = sender_.acknowledge(ack);
  }
  // There may be credit now.
  flush();
}

}  // namespace kaitian::wire
