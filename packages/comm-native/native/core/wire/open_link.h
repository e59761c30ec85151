#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "../bell.h"
#include "ack_schedule.h"
#include "batch.h"
#include "frame_reader.h"
#include "receiver.h"
#include "sender.h"
#include "slots.h"
#include "socket.h"

namespace kaitian::wire {

// One attached socket, until it is lost. Both threads hold it while they use
// it, and the last to let go closes the socket, so that its number is not
// another file's while one of them still waits for it.
struct Connection {
  Connection(int descriptor, std::span<const std::byte> early)
      : socket(descriptor), early(early.begin(), early.end()) {}

  Socket socket;
  const std::vector<std::byte> early;
  // The writer waits, or is about to wait, for the peer to read.
  std::atomic<bool> writerWaits{false};
  std::atomic<bool> over{false};
  // Under the link's mutex.
  Loss loss;
};

// The link over sockets: a reader thread, and a writer thread for what a sender
// could not write itself; they share the sender's state under a mutex. The
// reader alone makes the user's calls, so they come in order and a connection's
// loss comes last.
class OpenLink final : public Link {
 public:
  OpenLink(const LinkOptions& options, LinkEvents events);
  ~OpenLink() override { close(); }

  void attach(int socket, std::span<const std::byte> early, uint64_t peerReceived) override;
  uint64_t received() const override { return receiver_.received(); }
  bool attached() const override;
  void send(const ChunkKey& key, Flow flow, std::span<const std::byte> payload, uint32_t checksum,
            Pin pin) override;
  void announce(const Announcement& announcement) override;
  void abort(const AbortNotice& notice) override;
  void drop(uint64_t generation) override;
  void close() override;
  size_t peakBytes() const override { return slots_->peakBytes(); }

 private:
  using ConnectionPtr = std::shared_ptr<Connection>;

  void lose(const ConnectionPtr& connection, Loss loss);
  void startThreads();

  // link_writer.cc
  enum class Pumped { All, Some };
  void write();
  void flush();
  Pumped pump();
  void takeUp();
  void collect(Batch& batch);
  void sayGoodbye();

  // link_reader.cc
  void read();
  ConnectionPtr nextConnection();
  void serve(const ConnectionPtr& connection);
  void receive(Connection& connection, FrameReader& frames);
  void deliver(FrameReader& frames);
  void deliver(const ChunkFrame& chunk, std::span<const std::byte> payload);
  void onAcknowledgement(const AckFrame& ack);

  const LinkOptions options_;
  const LinkEvents events_;
  // Shared with chunks that may be held longer than the link.
  const std::shared_ptr<Bell> writerBell_;
  const std::shared_ptr<AckSchedule> acks_;
  const std::shared_ptr<Slots> slots_;
  Bell readerBell_;
  Receiver receiver_;

  mutable std::mutex mutex_;
  Sender sender_;
  ConnectionPtr current_;
  // Attached, and not yet taken up by the reader: more than one only if they
  // replace each other faster than it is told.
  std::deque<ConnectionPtr> attached_;
  // Set under the mutex.
  std::atomic<bool> closed_{false};

  // Who writes, and what is left of what is being written. Taken before `mutex_`.
  struct Outlet {
    ConnectionPtr connection;
    bool writable = false;
    Batch batch;
    Clock::time_point pingDue;
  };
  std::mutex writing_;
  // There is something to write; to be looked at after letting go of `writing_`.
  std::atomic<bool> asked_{false};
  Outlet outlet_;

  std::mutex joining_;
  std::thread writer_;
  std::thread reader_;
};

}  // namespace kaitian::wire
