#pragma once

#include "elbo/serve/http_connection.h"
#include "elbo/serve/worker_threads.h"

namespace elbo {

/// Threads for connections. When all are taken, a new client gets the place of the one that has
/// kept the server waiting for longest; where the server waits for none, it is turned away.
class ConnectionThreads : public httplib::TaskQueue {
 public:
  ConnectionThreads(size_t most, OpenConnections& open) : threads_(most), open_(open) {}
  /// Nothing, or from cpp-httplib 0.15 on whether the task was taken.
  using Taken = decltype(std::declval<httplib::TaskQueue&>().enqueue(nullptr));
  Taken enqueue(std::function<void()> serve_one) override;
  void shutdown() override { threads_.end(); }
  /// Whether the connection that this thread is given shall only hear that there is no place.
  static bool turns_away();

 private:
  WorkerThreads threads_;
  OpenConnections& open_;
};

/// cpp-httplib's server over connections with bounds of their own: it reads a head, and a body in
/// pieces, without a limit, and waits for slow clients as long as they send a byte now and then.
class BoundedServer : public httplib::Server {
 public:
  BoundedServer(const HttpLimits& limits, size_t most);
  /// Closes all connections and ends listen_after_bind().
  void end();

 protected:
  bool process_and_close_socket(int socket) override;

 private:
  bool answer_next(HttpConnection& connection, bool last);

  const HttpLimits limits_;
  OpenConnections open_;
};

/// What is wrong with how a request says where it ends: a status and
/// why; 0 where nothing is. Two readers must not take its bytes for different requests.
std::pair<int, std::string> wrong_frame(const httplib::Request& request, const HttpLimits& limits);
bool has_body(const httplib::Request& request);

}  // namespace elbo
