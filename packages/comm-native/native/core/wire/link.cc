#include "link.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "../native_thread.h"
#include "open_link.h"

namespace kaitian::wire {
namespace {

LinkOptions checked(const LinkOptions& options) {
  if (options.chunkBytes == 0 || options.chunkBytes > kPayloadBytes) {
    throw std::invalid_argument("Chunks must have 1 byte to 1 MiB.");
  }
  if (options.window == 0) throw std::invalid_argument("A window must have room for a chunk.");
  return options;
}

std::shared_ptr<Slots> makeSlots(const LinkOptions& options, std::shared_ptr<AckSchedule> acks) {
  return std::make_shared<Slots>(options.chunkBytes, options.window,
                                 [acks = std::move(acks)] { acks->onConsumed(); });
}

}  // namespace

OpenLink::OpenLink(const LinkOptions& options, LinkEvents events)
    : options_(checked(options)),
      events_(std::move(events)),
      writerBell_(std::make_shared<Bell>()),
      acks_(std::make_shared<AckSchedule>(std::max<size_t>(options.window / 4, 1), writerBell_)),
      slots_(makeSlots(options, acks_)),
      receiver_(slots_),
      sender_(options.window) {}

void OpenLink::attach(int socket, std::span<const std::byte> early, uint64_t peerReceived) {
  const auto connection = std::make_shared<Connection>(socket, early);
  ConnectionPtr replaced;
  Sender::Pins pins;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    startThreads();
    pins = sender_.attach(peerReceived);
    replaced = std::exchange(current_, connection);
    attached_.push_back(connection);
  }
  if (replaced) lose(replaced, {Loss::Reason::Replaced, "another connection was attached"});
  // What was consumed meanwhile, which the handshake does not say.
  acks_->request();
  writerBell_->ring();
  readerBell_.ring();
}

bool OpenLink::attached() const {
  const std::lock_guard lock(mutex_);
  return current_ != nullptr;
}

void OpenLink::send(const ChunkKey& key, Flow flow, std::span<const std::byte> payload,
                    uint32_t checksum, Pin pin) {
  if (payload.size() > options_.chunkBytes) {
    throw std::invalid_argument("A payload of more than a chunk.");
  }
  // Where it is not taken, the pin goes with it, outside the lock.
  OutgoingChunk chunk{key, flow, payload, checksum, std::move(pin)};
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || !sender_.queue(chunk)) return;
  }
  flush();
}

void OpenLink::announce(const Announcement& announcement) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    sender_.queue(announcement);
  }
  flush();
}

void OpenLink::abort(const AbortNotice& notice) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    sender_.queue(notice);
  }
  flush();
}

void OpenLink::drop(uint64_t generation) {
  receiver_.drop(generation);
  // Outlives the lock, here and in close().
  Sender::Pins pins;
  const std::lock_guard lock(mutex_);
  pins = sender_.drop(generation);
}

void OpenLink::close() {
  ConnectionPtr connection;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    connection = current_;
  }
  writerBell_->ring();
  // Both this pair and the writer's (announce the wait, look whether it is
  // closed) are sequentially consistent: at least one of the two sees the other.
  if (connection && connection->writerWaits.load()) connection->socket.shutDown();
  {
    const std::lock_guard lock(joining_);
    if (writer_.joinable()) writer_.join();
    if (connection) lose(connection, {Loss::Reason::Local, "closed here"});
    readerBell_.ring();
    if (reader_.joinable()) reader_.join();
  }
  {
    const std::lock_guard lock(writing_);
    outlet_ = {};
  }
  Sender::Pins pins;
  const std::lock_guard lock(mutex_);
  pins = sender_.clear();
}

// The first reason is the one that is reported.
void OpenLink::lose(const ConnectionPtr& connection, Loss loss) {
  {
    const std::lock_guard lock(mutex_);
    if (connection->over.load()) return;
    connection->loss = std::move(loss);
    connection->over.store(true);
    if (current_ == connection) current_.reset();
  }
  connection->socket.shutDown();
  // For the writer to let go of it, too.
  writerBell_->ring();
}

// The second may be one too many for the system, and is started another time.
void OpenLink::startThreads() {
  const auto start = [this](std::thread& thread, void (OpenLink::*run)()) {
    if (thread.joinable()) return;
    thread = std::thread([this, run] {
      blockSignals();
      (this->*run)();
    });
  };
  start(writer_, &OpenLink::write);
  start(reader_, &OpenLink::read);
}

std::shared_ptr<Link> openLink(const LinkOptions& options, LinkEvents events) {
  return std::make_shared<OpenLink>(options, std::move(events));
}

}  // namespace kaitian::wire
