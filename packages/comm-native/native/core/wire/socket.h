#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include <sys/uio.h>

#include "../bell.h"

namespace kaitian::wire {

// A connected stream socket that never blocks in a read or write. Reading,
// writing and shutting down may each be a thread's of its own.
class Socket {
 public:
  // Owns it from here on.
  explicit Socket(int descriptor);
  ~Socket();
  Socket(const Socket&) = delete;

  struct Moved {
    size_t bytes = 0;
    // The stream is at its end or broken; the words say how.
    std::optional<std::string> ended;
  };

  // As much as there is or as goes; 0 bytes when it would have to wait.
  Moved read(std::span<const iovec> pieces);
  Moved write(std::span<const iovec> pieces);

  // False at `until`. Return at once, from any moment on, after shutDown().
  bool waitReadable(Clock::time_point until) { return wait(false, until); }
  void waitWritable() { wait(true, Clock::time_point::max()); }

  // Any thread: ends the stream in both directions, and every wait for it.
  void shutDown();

 private:
  bool wait(bool writable, Clock::time_point until);

  const int descriptor_;
};

}  // namespace kaitian::wire
