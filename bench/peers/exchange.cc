// The bound for two groups with a socket between them: two processes, each sends
// its whole buffer over loopback TCP and meanwhile adds what arrives to it.
// Nothing is announced, framed or checked on the way.
//
//   exchange [--no-pacing] [--no-add]
//
// --no-pacing: with a congestion control that does not pace what is sent, as our
// links have it within a host. --no-add: without the sums, what the sockets alone
// take.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <thread>

#include "request.h"

namespace {

using peers::Request;

// What a core's cache holds beside the part that it is added to. Half and double
// took as long, 64 KiB and 1 MiB longer; so did socket buffers of a size of ours
// instead of those that the kernel adapts.
constexpr size_t kChunk = 256 << 10;

// False when the other process has ended.
bool sendAll(int socket, const void* data, size_t bytes) {
  const char* at = static_cast<const char*>(data);
  for (size_t done = 0; done < bytes;) {
    const ssize_t sent = send(socket, at + done, bytes - done, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    done += static_cast<size_t>(sent);
  }
  return true;
}

bool receiveAll(int socket, void* data, size_t bytes) {
  char* at = static_cast<char*>(data);
  for (size_t done = 0; done < bytes;) {
    const ssize_t received = recv(socket, at + done, bytes - done, 0);
    if (received <= 0) return false;
    done += static_cast<size_t>(received);
  }
  return true;
}

void need(bool ok, const char* what) {
  if (!ok) peers::fail(what);
}

// A connected pair over loopback, made before the process forks.
void connectPair(int (&ends)[2], bool paces) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  need(bind(listener, generic, length) == 0 && listen(listener, 1) == 0, "no listening socket");
  need(getsockname(listener, generic, &length) == 0, "no port");
  ends[0] = socket(AF_INET, SOCK_STREAM, 0);
  need(connect(ends[0], generic, length) == 0, "no connection");
  ends[1] = accept(listener, nullptr, nullptr);
  need(ends[1] >= 0, "no connection");
  close(listener);
  const int on = 1;
  for (const int end : ends) {
    setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
#ifdef TCP_CONGESTION
    if (!paces) setsockopt(end, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
#endif
  }
}

// Sends buffers from a thread of its own, and says how far it has come.
class Sender {
 public:
  explicit Sender(int socket) : thread_([this, socket] { run(socket); }) {}

  ~Sender() {
    begin(nullptr, 0);
    thread_.join();
  }

  void begin(const float* data, size_t bytes) {
    sent_.store(0, std::memory_order_relaxed);
    data_ = reinterpret_cast<const char*>(data);
    bytes_ = bytes;
    turn_.fetch_add(1, std::memory_order_release);
    turn_.notify_one();
  }

  void awaitSent(size_t bytes) const {
    for (size_t sent = sent_.load(std::memory_order_acquire); sent < bytes;
         sent = sent_.load(std::memory_order_acquire)) {
      sent_.wait(sent, std::memory_order_acquire);
    }
  }

 private:
  void run(int socket) {
    for (uint32_t turn = 0;; ++turn) {
      turn_.wait(turn, std::memory_order_acquire);
      if (data_ == nullptr) return;
      const size_t bytes = bytes_;
      const char* data = data_;
      for (size_t done = 0; done < bytes;) {
        const size_t part = std::min(kChunk, bytes - done);
        need(sendAll(socket, data + done, part), "the other process has ended");
        done += part;
        sent_.store(done, std::memory_order_release);
        sent_.notify_one();
      }
    }
  }

  std::atomic<size_t> sent_{0};
  std::atomic<uint32_t> turn_{0};
  const char* data_ = nullptr;
  size_t bytes_ = 0;
  std::thread thread_;
};

class Rank {
 public:
  Rank(size_t rank, int socket, bool adds)
      : rank_(rank),
        socket_(socket),
        adds_(adds),
        sender_(socket),
        scratch_(kChunk / sizeof(float)) {}

  std::vector<double> run(const Request& request) {
    float* buffer = owner_.of(request.bytes);
    std::vector<double> times;
    for (uint64_t call = 0; call < request.iterations; ++call) {
      peers::fill(buffer, request.elements(), rank_, call);
      meet();
      const double start = peers::nowUs();
      exchange(buffer, request.bytes);
      times.push_back(peers::nowUs() - start);
    }
    if (adds_) {
      need(peers::isSum(buffer, request.elements(), 2, request.iterations - 1), "wrong sum");
    }
    // The other one's sum is right, too: had it ended, this would fail.
    meet();
    return times;
  }

 private:
  void meet() {
    char token = 0;
    need(sendAll(socket_, &token, 1) && receiveAll(socket_, &token, 1),
         "the other process has ended");
  }

  void exchange(float* buffer, size_t bytes) {
    sender_.begin(buffer, bytes);
    for (size_t done = 0; done < bytes;) {
      const size_t part = std::min(kChunk, bytes - done);
      need(receiveAll(socket_, scratch_.data(), part), "the other process has ended");
      // What has not been sent yet must not be added to. The other one cannot be waiting for the
      // same: what it lacks it gets from a sender that is at least as far as its own.
      if (adds_) {
        sender_.awaitSent(done + part);
        add(buffer + done / sizeof(float), part / sizeof(float));
      }
      done += part;
    }
    sender_.awaitSent(bytes);
  }

  void add(float* __restrict own, size_t elements) const {
    const float* __restrict other = scratch_.data();
    for (size_t i = 0; i < elements; ++i) own[i] += other[i];
  }

  const size_t rank_;
  const int socket_;
  const bool adds_;
  Sender sender_;
  std::vector<float> scratch_;
  peers::Buffer owner_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto given = [&](const char* option) {
    return std::any_of(argv + 1, argv + argc,
                       [&](const char* word) { return std::strcmp(word, option) == 0; });
  };
  const bool adds = !given("--no-add");
  int ends[2];
  connectPair(ends, !given("--no-pacing"));
  int orders[2];
  need(pipe(orders) == 0, "no pipe");
  const pid_t other = fork();
  need(other >= 0, "no second process");
  Request request;
  if (other == 0) {
    // Ends with the pipe, and so with the first process.
    close(ends[0]);
    close(orders[1]);
    Rank rank(1, ends[1], adds);
    while (read(orders[0], &request, sizeof request) == sizeof request) rank.run(request);
    return 0;
  }
  close(ends[1]);
  close(orders[0]);
  std::signal(SIGPIPE, SIG_IGN);
  peers::announce(PEERS_COMPILER);
  Rank rank(0, ends[0], adds);
  while (peers::readRequest(request)) {
    need(write(orders[1], &request, sizeof request) == sizeof request,
         "the second process has ended");
    peers::answer(rank.run(request));
  }
}
