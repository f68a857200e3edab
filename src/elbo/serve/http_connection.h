#pragma once

#include <httplib.h>

#include <chrono>
#include <mutex>
#include <set>

namespace elbo {

/// What one client may send, and for how long others wait for it. cpp-httplib's own bounds hold for
/// single lines and single reads.
struct HttpLimits {
  using Time = std::chrono::milliseconds;
  size_t head = 16 << 10, headers = 100, body = 8 << 20;  // bytes, lines, bytes
  size_t held = size_t{256} << 20;                        // bytes of all bodies at a time
  Time silence{5000};   // without a byte from a client, or taken by it
  Time request{30000};  // from the first byte of a request to its last
};

class HttpConnection;

/// The connections that are open, to end those that keep others waiting.
class OpenConnections {
 public:
  /// Ends the one that has let the server wait for longest; false where it waits for none.
  bool end_slowest();
  void end_all();
  /// Counts bytes of bodies and answers in memory; false where there are too many.
  bool hold(size_t bytes, size_t most);
  void release(size_t bytes);

 private:
  friend HttpConnection;
  std::mutex mutex_;  // of all below, and of when its connections began to wait
  std::set<HttpConnection*> all_;
  size_t held_ = 0;
  bool ending_ = false;
};

/// The bytes of one client, within its bounds in size and time. Beyond one the stream reads as
/// broken, and failure() is the HTTP status that says why.
class HttpConnection : public httplib::Stream {
 public:
  HttpConnection(int socket, const HttpLimits& limits, OpenConnections& open);
  /// Ends in a way that leaves the client its answer.
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;
  /// The one that this thread serves.
  static HttpConnection* current();

  /// Waits for a request's first byte; false where none comes.
  bool await_request();
  /// What follows is the body.
  void begin_body() {
    left_ = limits_.body;
    in_body_ = true;
  }
  /// The request has been answered: no other may follow, whatever its bytes are.
  void close_after() { closes_ = true; }
  bool closes() const { return closes_ || failure_ != 0; }
  int failure() const { return failure_; }
  /// Keeps `bytes` of an answer in mind until the next request; false where all hold too much.
  bool hold(size_t bytes);

  ssize_t read(char* to, size_t size);
  ssize_t write(const char* from, size_t size);
  bool is_readable() const { return true; }
  bool is_writable() const { return true; }
  bool wait_readable() const { return true; }
  bool wait_writable() const { return true; }
  void get_remote_ip_and_port(std::string&, int&) const {}
  void get_local_ip_and_port(std::string&, int&) const {}
  /// Only asked whether select() could wait for it; poll() has no such bound.
  int socket() const { return 0; }
  time_t duration() const { return 0; }

 private:
  using Clock = std::chrono::steady_clock;
  friend OpenConnections;
  bool wait(short what, Clock::time_point until);
  bool fill(Clock::time_point until);
  void drain();
  ssize_t broken(int status);

  const int socket_;
  const HttpLimits& limits_;
  OpenConnections& open_;
  char buffer_[4096];
  size_t begin_ = 0, end_ = 0;
  size_t left_ = 0;  // bytes that the head or body may still have
  size_t held_ = 0;
  bool in_body_ = false, closes_ = false, waits_ = false, ended_ = false;
  char last_ = 0;
  size_t lines_ = 0;  // of the head
  int failure_ = 0;
  Clock::time_point since_ = Clock::now(), until_;
};

}  // namespace elbo
