#include "ack_schedule.h"

namespace kaitian::wire {

// Both this pair and that of idle() are sequentially consistent: what is counted
// while the reader becomes idle is seen by one of the two.
void AckSchedule::count(std::atomic<size_t>& since) {
  const bool enough = since.fetch_add(1) + 1 >= every_;
  if (idle_.load()) {
    request();
  } else if (enough) {
    // The reader is awake, and looks.
    due_.store(true);
  }
}

void AckSchedule::idle(bool idle) {
  idle_.store(idle);
  if (idle && owes()) due_.store(true);
}

void AckSchedule::request() {
  if (!due_.exchange(true)) writer_->ring();
}

bool AckSchedule::take() {
  if (!due_.exchange(false)) return false;
  received_.store(0);
  consumed_.store(0);
  return true;
}

}  // namespace kaitian::wire
