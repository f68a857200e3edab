#include "elbo/serve/http_connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace elbo {
namespace {

thread_local HttpConnection* served = nullptr;

}  // namespace

bool OpenConnections::end_slowest() {
  const std::lock_guard lock(mutex_);
  HttpConnection* slowest = nullptr;
  for (auto* one : all_) {
    const bool waits = one->waits_ && !one->ended_;
    if (waits && (!slowest || one->since_ < slowest->since_)) slowest = one;
  }
  if (!slowest) return false;
  slowest->ended_ = true;
  ::shutdown(slowest->socket_, SHUT_RDWR);
  return true;
}

void OpenConnections::end_all() {
  const std::lock_guard lock(mutex_);
  ending_ = true;
  for (auto* one : all_) ::shutdown(one->socket_, SHUT_RDWR);
}

bool OpenConnections::hold(size_t bytes, size_t most) {
  const std::lock_guard lock(mutex_);
  if (bytes > most || held_ > most - bytes) return false;
  held_ += bytes;
  return true;
}

void OpenConnections::release(size_t bytes) {
  const std::lock_guard lock(mutex_);
  held_ -= bytes;
}

HttpConnection* HttpConnection::current() { return served; }

HttpConnection::HttpConnection(int socket, const HttpLimits& limits, OpenConnections& open)
    : socket_(socket), limits_(limits), open_(open) {
  served = this;
  const std::lock_guard lock(open_.mutex_);
  open_.all_.insert(this);
  if (open_.ending_) ::shutdown(socket_, SHUT_RDWR);
}

HttpConnection::~HttpConnection() {
  ::shutdown(socket_, SHUT_WR);
  drain();
  open_.release(held_);
  {
    const std::lock_guard lock(open_.mutex_);
    open_.all_.erase(this);
  }
  ::close(socket_);
  served = nullptr;
}

/// A socket that is closed with bytes unread throws away what the client has not read yet.
void HttpConnection::drain() {
  constexpr std::chrono::seconds kMost{2};
  const auto until = Clock::now() + kMost;
  do {
    begin_ = end_ = 0;
  } while (Clock::now() < until && fill(until));
}

bool HttpConnection::hold(size_t bytes) {
  if (!open_.hold(bytes, limits_.held)) return false;
  held_ += bytes;
  return true;
}

ssize_t HttpConnection::broken(int status) {
  if (failure_ == 0) failure_ = status;
  return -1;
}

/// Whether the socket became ready before `until`.
bool HttpConnection::wait(short what, Clock::time_point until) {
  {
    const std::lock_guard lock(open_.mutex_);
    waits_ = true;
  }
  int ready = 0;
  for (;;) {
    const auto left = std::chrono::ceil<HttpLimits::Time>(until - Clock::now()).count();
    pollfd one{socket_, what, 0};
    ready = ::poll(&one, 1, static_cast<int>(std::max<int64_t>(left, 0)));
    if (ready >= 0 || errno != EINTR) break;
  }
  const std::lock_guard lock(open_.mutex_);
  waits_ = false;
  return ready > 0 && !ended_;
}

/// More bytes; false at the end of them, with a failure where it was for lack of time.
bool HttpConnection::fill(Clock::time_point until) {
  const auto quiet = Clock::now() + limits_.silence;
  if (!wait(POLLIN, std::min(until, quiet))) {
    broken(408);
    return false;
  }
  ssize_t got = 0;
  do {
    got = ::recv(socket_, buffer_, sizeof buffer_, 0);
  } while (got < 0 && errno == EINTR);
  begin_ = 0;
  end_ = static_cast<size_t>(std::max<ssize_t>(got, 0));
  return got > 0;
}

bool HttpConnection::await_request() {
  open_.release(held_);
  held_ = 0;
  {
    const std::lock_guard lock(open_.mutex_);
    since_ = Clock::now();
  }
  in_body_ = false;
  last_ = 0;
  lines_ = 0;
  left_ = limits_.head;
  if (begin_ == end_ && !fill(Clock::now() + limits_.silence)) return false;
  until_ = Clock::now() + limits_.request;
  return true;
}

ssize_t HttpConnection::read(char* to, size_t size) {
  if (failure_ != 0) return -1;
  if (begin_ == end_ && !fill(until_)) return failure_ != 0 ? -1 : 0;
  const size_t n = std::min(size, end_ - begin_);
  if (n > left_) return broken(in_body_ ? 413 : 431);
  if (in_body_ && !hold(n)) return broken(503);
  left_ -= n;
  std::memcpy(to, buffer_ + begin_, n);
  begin_ += n;
  if (in_body_) return static_cast<ssize_t>(n);
  // A line that ends in another way is skipped by one reader and obeyed by another.
  for (size_t i = 0; i < n; ++i) {
    if (to[i] == '\n' && last_ != '\r') return broken(400);
    // The request's own line comes before the headers, an empty one after them.
    const bool begins = last_ == '\n' && to[i] != '\r';
    if (begins && lines_ > limits_.headers) return broken(431);
    lines_ += to[i] == '\n';
    last_ = to[i];
  }
  return static_cast<ssize_t>(n);
}

ssize_t HttpConnection::write(const char* from, size_t size) {
  constexpr size_t kSlowest = 16;  // bytes per millisecond
  const auto until = Clock::now() + limits_.request + HttpLimits::Time(size / kSlowest);
  {
    const std::lock_guard lock(open_.mutex_);
    since_ = Clock::now();
  }
  for (size_t done = 0; done < size;) {
    const auto sent = ::send(socket_, from + done, size - done, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) done += static_cast<size_t>(sent);
    if (sent >= 0 || errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return -1;
    if (!wait(POLLOUT, std::min(until, Clock::now() + limits_.silence))) {
      closes_ = true;
      return -1;
    }
  }
  return static_cast<ssize_t>(size);
}

}  // namespace elbo
