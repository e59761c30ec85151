#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <sys/uio.h>

#include "sender.h"

namespace kaitian::wire {

// Frames that go out in one call of the system: many small ones, or a chunk.
// Not more, since what is in a batch can no longer be overtaken.
class Batch {
 public:
  bool empty() const { return frames_.empty(); }
  bool full() const;

  // Not after pieces(), which point into headers that would move.
  void add(Sender::Outgoing frame);
  void add(const Header& header) { add({header, {}, {}}); }

  // What is left to write.
  std::span<const iovec> pieces();
  void written(size_t bytes);
  void clear();

 private:
  struct Frame {
    size_t headerBytes;
    std::span<const std::byte> payload;
    Pin pin;
  };

  std::vector<std::byte> headers_;
  std::vector<Frame> frames_;
  size_t payloadBytes_ = 0;
  std::vector<iovec> pieces_;
  // The first piece that is not yet written whole.
  size_t first_ = 0;
};

}  // namespace kaitian::wire
