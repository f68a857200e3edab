#include "elbo/serve/http_bounded.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace elbo {
namespace {

constexpr size_t kMostRequests = 1000;  // of one connection
thread_local bool turned_away = false;

std::string bare_answer(int status, const char* why) {
  const std::string body = std::string("{\"error\":\"") + why + "\"}";
  return "HTTP/1.1 " + std::to_string(status) + " " + why +
         "\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// cpp-httplib 0.17 and later ask for the addresses of both ends, too.
template <class Ask>
bool asked(const Ask& ask) {
  if constexpr (requires { ask(); }) {
    return ask();
  } else {
    return ask(std::string(), 0, std::string(), 0);
  }
}

bool is_token(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

}  // namespace

ConnectionThreads::Taken ConnectionThreads::enqueue(std::function<void()> serve_one) {
  const bool place = !threads_.full() || open_.end_slowest();
  if (!place || !threads_.run(serve_one)) {
    turned_away = true;
    serve_one();
    turned_away = false;
  }
  return Taken(true);
}

bool ConnectionThreads::turns_away() { return turned_away; }

BoundedServer::BoundedServer(const HttpLimits& limits, size_t most) : limits_(limits) {
  new_task_queue = [this, most] { return new ConnectionThreads(most, open_); };  // it deletes it
  set_keep_alive_max_count(kMostRequests);
  set_keep_alive_timeout(std::chrono::duration_cast<std::chrono::seconds>(limits.silence).count());
  set_payload_max_length(limits.body);
}

void BoundedServer::end() {
  stop();
  open_.end_all();
}

bool BoundedServer::process_and_close_socket(int socket) {
  if (ConnectionThreads::turns_away()) {
    const auto said = bare_answer(503, "busy");
    ::send(socket, said.data(), said.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    ::close(socket);
    return false;
  }
  HttpConnection connection(socket, limits_, open_);
  for (size_t count = kMostRequests; count > 0 && connection.await_request(); --count) {
    if (!answer_next(connection, count == 1) || connection.closes()) break;
  }
  return true;
}

/// Whether another request may follow.
bool BoundedServer::answer_next(HttpConnection& connection, bool last) {
  bool closed = false, whole_head = false;
  const std::function<void(httplib::Request&)> read_head = [&](httplib::Request& request) {
    whole_head = true;
    connection.begin_body();
    request.ranges.clear();  // of many that overlap an answer is many times its file
    // Without a length there is no body; the library would read to the connection's end.
    const bool framed =
        request.has_header("Content-Length") || request.has_header("Transfer-Encoding");
    if (!framed) request.set_header("Content-Length", "0");
    if (request.has_header("Transfer-Encoding")) connection.close_after();
  };
  const auto ask = [&](auto&&... addresses) -> decltype(process_request(connection, addresses...,
                                                                        last, closed, read_head)) {
    return process_request(connection, addresses..., last, closed, read_head);
  };
  const bool good = asked(ask);
  if (!good && !whole_head && connection.failure() != 0) {
    const auto said = bare_answer(connection.failure(), "the request was not understood");
    connection.write(said.data(), said.size());
  }
  return good && !closed && whole_head;
}

bool has_body(const httplib::Request& request) {
  return request.has_header("Transfer-Encoding") ||
         (request.has_header("Content-Length") &&
          request.get_header_value("Content-Length") != "0");
}

std::pair<int, std::string> wrong_frame(const httplib::Request& request, const HttpLimits& limits) {
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name)) return {400, "a header's name is not valid"};
  }
  const auto lengths = request.get_header_value_count("Content-Length");
  const auto codings = request.get_header_value_count("Transfer-Encoding");
  if (lengths + codings > 1) return {400, "more than one length of the body"};
  if (codings == 1 && request.get_header_value("Transfer-Encoding") != "chunked")
    return {501, "Transfer-Encoding: only chunked is known"};
  if (lengths == 0) return {0, ""};
  const auto length = request.get_header_value("Content-Length");
  if (length.empty() || length.find_first_not_of("0123456789") != std::string::npos)
    return {400, "Content-Length is not a number"};
  constexpr size_t kMostDigits = 18;
  if (length.size() > kMostDigits || std::stoull(length) > limits.body)
    return {413, "the body is too large"};
  return {0, ""};
}

}  // namespace elbo
