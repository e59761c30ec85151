#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "../bell.h"

namespace kaitian::wire {

// Decides when the writer owes the peer an acknowledgement: after every few
// frames while they keep coming, and at once when nothing else comes. An
// acknowledgement per frame would cost a call of the system and a wake-up each;
// none until the next few would leave the peer waiting for credit that it has.
class AckSchedule {
 public:
  AckSchedule(size_t every, std::shared_ptr<Bell> writer)
      : every_(every), writer_(std::move(writer)) {}

  // Any thread.
  void onReceived() { count(received_); }
  void onConsumed() { count(consumed_); }
  // The reader is about to wait for long, or has waited. Until it has, it looks
  // itself whether one is due.
  void idle(bool idle);
  bool owes() const { return received_.load() > 0 || consumed_.load() > 0; }
  bool isDue() const { return due_.load(); }
  void request();

  // The writer's question: is one due? To be asked before it reads the counts to send.
  bool take();

 private:
  void count(std::atomic<size_t>& since);

  const size_t every_;
  const std::shared_ptr<Bell> writer_;
  // Since the last acknowledgement.
  std::atomic<size_t> received_{0};
  std::atomic<size_t> consumed_{0};
  std::atomic<bool> idle_{false};
  std::atomic<bool> due_{false};
};

}  // namespace kaitian::wire
