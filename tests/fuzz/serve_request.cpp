#include <sys/socket.h>
#include <unistd.h>

#include "elbo/serve/access.h"
#include "elbo/serve/http_answer.h"
#include "elbo/serve/http_bounded.h"
#include "elbo/serve/http_rules.h"
#include "fuzz/harness.h"

// The bytes of one client, from its first to its last, as the server reads them: frames, rules,
// JSON. What a model makes of a question lies behind.

namespace elbo::fuzzing {
namespace {

HttpLimits short_limits() {
  HttpLimits limits;
  limits.silence = limits.request = HttpLimits::Time(100);
  return limits;
}

class OneClient : public BoundedServer {
 public:
  OneClient() : BoundedServer(limits_, 1), access_("127.0.0.1", {"name.example"}, "secret") {
    set_rules(*this, access_, limits_);
    Post("/api/sample", guarded([](const httplib::Request& r) { return body_of(r); }));
    Get(R"(/api/jobs/(\d{1,18}))",
        guarded([](const httplib::Request& r) { return Json(std::string(r.matches[1])); }));
  }
  void answer(int socket) { process_and_close_socket(socket); }

 private:
  HttpLimits limits_ = short_limits();
  Access access_;
};

void take_requests(std::string_view bytes) {
  constexpr size_t kMost = 1 << 16;  // what a pair of sockets holds
  static OneClient server;
  int ends[2];
  must(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "no sockets");
  const auto sent = bytes.substr(0, kMost);
  const bool all =
      ::send(ends[0], sent.data(), sent.size(), MSG_DONTWAIT) == static_cast<ssize_t>(sent.size());
  ::shutdown(ends[0], SHUT_WR);
  server.answer(ends[1]);
  char answer[9] = {};
  const auto got = ::recv(ends[0], answer, sizeof answer, MSG_DONTWAIT);
  ::close(ends[0]);
  must(all, "bytes were not taken");
  must(got <= 0 || std::string_view(answer, static_cast<size_t>(got)).starts_with("HTTP/1.1 "),
       "an answer that is not HTTP");
}

const bool requests_fuzzed = add_harness("http", take_requests);

}  // namespace
}  // namespace elbo::fuzzing
