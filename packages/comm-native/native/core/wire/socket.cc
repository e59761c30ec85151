#include "socket.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <system_error>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace kaitian::wire {
namespace {

#ifdef MSG_NOSIGNAL
constexpr int kFlags = MSG_NOSIGNAL;
#else
// macOS has an option of the socket instead.
constexpr int kFlags = 0;
#endif

std::string nameOf(int error) { return std::generic_category().message(error); }

bool wouldWait(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

// Rounded up, so that a wait does not end just before its time, and again, and again.
int millisecondsTo(Clock::time_point until) {
  if (until == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  return static_cast<int>(std::min<long long>(std::max<long long>(left, 0), INT_MAX));
}

bool isLoopback(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(address);
    return ntohl(ipv4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
  }
  if (address.ss_family != AF_INET6) return false;
  const in6_addr& ipv6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&ipv6)) return ipv6.s6_addr[12] == IN_LOOPBACKNET;
  return IN6_IS_ADDR_LOOPBACK(&ipv6);
}

// Within one host there is no network to be fair to. A congestion control that
// paces what it sends, as BBR does by what it saw of bursts before, makes a call
// of some MiB take a third longer there; Reno, which every Linux has, does not pace.
void forgoPacing([[maybe_unused]] int descriptor) {
#ifdef TCP_CONGESTION
  sockaddr_storage peer{};
  socklen_t length = sizeof(peer);
  if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &length) != 0) return;
  static constexpr char kReno[] = "reno";
  if (isLoopback(peer)) {
    setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, kReno, sizeof(kReno) - 1);
  }
#endif
}

}  // namespace

Socket::Socket(int descriptor) : descriptor_(descriptor) {
  fcntl(descriptor_, F_SETFL, fcntl(descriptor_, F_GETFL) | O_NONBLOCK);
  // Frames are written whole, so there is nothing to wait for and join to them.
  // Fails on a socket that is not TCP, which does not wait anyway.
  const int on = 1;
  setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  forgoPacing(descriptor_);
#ifdef SO_NOSIGPIPE
  setsockopt(descriptor_, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof(on));
#endif
}

Socket::~Socket() { ::close(descriptor_); }

Socket::Moved Socket::read(std::span<const iovec> pieces) {
  const ssize_t bytes = readv(descriptor_, pieces.data(), static_cast<int>(pieces.size()));
  if (bytes > 0) return {static_cast<size_t>(bytes), {}};
  if (bytes == 0) return {0, "the stream ended"};
  if (wouldWait(errno)) return {};
  return {0, nameOf(errno)};
}

Socket::Moved Socket::write(std::span<const iovec> pieces) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = pieces.size();
  const ssize_t bytes = sendmsg(descriptor_, &message, kFlags);
  if (bytes >= 0) return {static_cast<size_t>(bytes), {}};
  if (wouldWait(errno)) return {};
  return {0, nameOf(errno)};
}

bool Socket::wait(bool writable, Clock::time_point until) {
  pollfd waited{descriptor_, static_cast<short>(writable ? POLLOUT : POLLIN), 0};
  return poll(&waited, 1, millisecondsTo(until)) != 0;
}

// A shutdown is itself what poll() waits for: both directions become ready.
void Socket::shutDown() { shutdown(descriptor_, SHUT_RDWR); }

}  // namespace kaitian::wire
