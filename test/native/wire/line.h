#pragma once

#include <array>
#include <atomic>
#include <thread>
#include <utility>

#include "peers.h"

namespace wire_test {

// A line between two links that breaks, or changes a byte, at a chosen one of
// the bytes that go through it.
class Line {
 public:
  struct Fault {
    size_t breakAfter = SIZE_MAX;
    size_t flipAt = SIZE_MAX;
  };

  explicit Line(Fault fault) : fault_(fault) {
    const auto [one, first] = connectedSockets();
    const auto [other, second] = connectedSockets();
    ends = {one, other};
    inner_ = {first, second};
    thread_ = std::thread([this] { run(); });
  }
  ~Line() {
    stop_ = true;
    for (const int descriptor : inner_) shutdown(descriptor, SHUT_RDWR);
    thread_.join();
    for (const int descriptor : inner_) ::close(descriptor);
  }

  std::array<int, 2> ends;

 private:
  void run() {
    while (!stop_) {
      pollfd waited[2] = {{inner_[0], POLLIN, 0}, {inner_[1], POLLIN, 0}};
      poll(waited, 2, -1);
      for (size_t from = 0; from < 2; ++from) {
        if (waited[from].revents && !pass(inner_[from], inner_[1 - from])) {
          for (const int descriptor : inner_) shutdown(descriptor, SHUT_RDWR);
          return;
        }
      }
    }
  }

  bool pass(int from, int to) {
    if (passed_ == fault_.breakAfter) return false;
    const ssize_t read = recv(from, bytes_.data(),
                              std::min(bytes_.size(), fault_.breakAfter - passed_), 0);
    if (read <= 0) return false;
    const auto length = static_cast<size_t>(read);
    if (fault_.flipAt - passed_ < length) bytes_[fault_.flipAt - passed_] ^= std::byte{4};
    passed_ += length;
    // Links always read, so this does not wait for long.
    for (size_t sent = 0; sent < length;) {
      const ssize_t more = ::send(to, bytes_.data() + sent, length - sent, MSG_NOSIGNAL);
      if (more < 0) return false;
      sent += static_cast<size_t>(more);
    }
    return true;
  }

  const Fault fault_;
  std::array<int, 2> inner_;
  std::array<std::byte, 16 * 1024> bytes_;
  size_t passed_ = 0;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace wire_test
