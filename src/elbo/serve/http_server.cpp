#include <ATen/Parallel.h>
#include <httplib.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <fstream>

#include "elbo/io/json_text.h"
#include "elbo/serve/explorer.h"
#include "elbo/serve/jobs.h"
#include "elbo/serve/page.h"
#include "elbo/serve/server.h"
#include "elbo/serve/worker_threads.h"

namespace elbo {
namespace {

using httplib::Request;
using httplib::Response;

constexpr size_t kMostBody = 8 << 20;
constexpr JsonLimits kBodyLimits{16, kMostBody, 1 << 20};
constexpr int kReadSeconds = 5, kIdleSeconds = 5;

constexpr int kToConnect = 1024;  // clients that the system keeps while nobody accepts them

/// So many clients are served; when more come, they are turned away at once, so that neither
/// memory nor waiting grows without end.
class Connections : public httplib::TaskQueue {
 public:
  explicit Connections(size_t most) : threads_(most) {}
  /// Nothing, or from cpp-httplib 0.15 on whether the task was taken.
  using Taken = decltype(std::declval<httplib::TaskQueue&>().enqueue(nullptr));
  Taken enqueue(std::function<void()> f) override {
    threads_.run(std::move(f));
    return Taken(true);
  }
  void shutdown() override { threads_.end(); }
  bool full() const { return threads_.full(); }

 private:
  WorkerThreads threads_;
};

/// Files that may be open at once: a connection is one, and the usual bound is 1,024.
void allow_open_files(rlim_t count) {
  rlimit bound{};
  if (getrlimit(RLIMIT_NOFILE, &bound) != 0 || bound.rlim_cur >= count) return;
  bound.rlim_cur = std::min(count, bound.rlim_max);
  setrlimit(RLIMIT_NOFILE, &bound);
}

void answer(Response& response, int status, const Json& body) {
  response.status = status;
  response.set_content(body.dump(), "application/json");
}

Json parsed(const Request& request) {
  return request.body.empty() ? Json::object()
                              : parse_json(request.body, "[serve] body", kBodyLimits);
}

/// An answer, or 400 for a question that makes no sense, or 500 for a defect.
httplib::Server::Handler guarded(std::function<Json(const Request&)> f) {
  return [f = std::move(f)](const Request& request, Response& response) {
    try {
      answer(response, 200, f(request));
    } catch (const Error& e) {
      answer(response, 400, {{"error", e.what()}});
    } catch (const std::exception& e) {
      answer(response, 500, {{"error", "internal error"}});
    }
  };
}

bool is_own_address(const std::string& host) {
  return host == "127.0.0.1" || host == "localhost" || host == "::1";
}

/// Without a difference in time that would tell how much of it was right.
bool same_text(const std::string& a, const std::string& b) {
  unsigned char difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i] ^ b[b.empty() ? 0 : i % b.size()]);
  }
  return difference == 0;
}

bool allowed(const Request& request, const std::string& token) {
  if (token.empty()) return true;
  return same_text(request.get_header_value("Authorization"), "Bearer " + token) ||
         same_text(request.get_param_value("token"), token);
}

void add_routes(httplib::Server& server, Explorer& explorer, Jobs& jobs) {
  server.Get("/", [](const Request&, Response& r) { r.set_content(explorer_page(), "text/html"); });
  server.Get("/openapi.json", guarded([](const Request&) { return openapi(); }));
  server.Get("/api/info", guarded([&](const Request&) { return explorer.info(); }));
  server.Post("/api/decode", guarded([&](const Request& r) { return explorer.decode(parsed(r)); }));
  server.Post("/api/sample", guarded([&](const Request& r) { return explorer.sample(parsed(r)); }));
  server.Post("/api/encode", guarded([&](const Request& r) {
                const bool picture = r.get_header_value("Content-Type").rfind("image/", 0) == 0;
                return picture ? explorer.encode_picture(r.body, r.get_param_value("condition"))
                               : explorer.encode(parsed(r));
              }));
  server.Post("/api/jobs", guarded([&](const Request& r) { return jobs.add(parsed(r)); }));
  server.Get(R"(/api/jobs/(\d{1,18}))",
             guarded([&](const Request& r) { return jobs.state(r.matches[1]); }));
  server.Delete(R"(/api/jobs/(\d{1,18}))",
                guarded([&](const Request& r) { return jobs.cancel(r.matches[1]); }));
  server.Get(R"(/api/jobs/(\d{1,18})/file)", [&](const Request& r, Response& response) {
    try {
      std::ifstream file(jobs.file(r.matches[1]), std::ios::binary);
      response.set_content(std::string(std::istreambuf_iterator<char>(file), {}),
                           "application/octet-stream");
    } catch (const Error& e) {
      answer(response, 404, {{"error", e.what()}});
    }
  });
}

const char* reason(int status) {
  switch (status) {
    case 404:
      return "nothing there; /openapi.json lists what is";
    case 413:
      return "the body is too large";
    case 414:
      return "the address is too long";
    default:
      return "the request was not understood";
  }
}

}  // namespace

void serve(std::shared_ptr<const Run> run, std::shared_ptr<Model> model,
           const ServeOptions& options, const std::function<void(const std::string&)>& started,
           const std::function<bool()>& stop) {
  check(is_own_address(options.host) || !options.token.empty(), "[serve] host: ", options.host,
        " is open to other machines; name a --token that they must send");
  // One row gains nothing from a second thread, and every connection would bring threads of its
  // own.
  at::set_num_threads(1);
  constexpr rlim_t kOtherFiles = 256;
  allow_open_files(static_cast<rlim_t>(options.connections) + kOtherFiles);
  Explorer explorer(run, std::move(model));
  Jobs jobs(run);
  httplib::Server server;
  std::atomic<Connections*> connections{nullptr};
  server.new_task_queue = [&, most = static_cast<size_t>(options.connections)] {
    auto* made = new Connections(most);
    connections = made;
    return made;  // the server deletes it
  };
  int own_socket = -1;
  server.set_socket_options([&](int s) {
    constexpr int kYes = 1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &kYes, sizeof kYes);
    own_socket = s;
  });
  server.set_tcp_nodelay(true);  // a short answer does not wait for the client's acknowledgement
  server.set_payload_max_length(kMostBody);
  server.set_read_timeout(kReadSeconds);
  server.set_write_timeout(kReadSeconds);
  server.set_keep_alive_timeout(kIdleSeconds);
  server.set_default_headers({{"X-Content-Type-Options", "nosniff"}, {"X-Frame-Options", "DENY"}});
  server.set_pre_routing_handler([&](const Request& request, Response& response) {
    using Result = httplib::Server::HandlerResponse;
    if (const auto* c = connections.load(); c && c->full()) {
      answer(response, 503, {{"error", "busy; try again"}});
      return Result::Handled;
    }
    if (allowed(request, options.token)) return Result::Unhandled;
    answer(response, 401, {{"error", "a token is needed: Authorization: Bearer TOKEN"}});
    return Result::Handled;
  });
  server.set_error_handler([](const Request&, Response& response) {
    if (response.body.empty())
      answer(response, response.status, {{"error", reason(response.status)}});
  });
  add_routes(server, explorer, jobs);

  const int port = options.port > 0
                       ? (server.bind_to_port(options.host.c_str(), static_cast<int>(options.port))
                              ? static_cast<int>(options.port)
                              : -1)
                       : server.bind_to_any_port(options.host.c_str());
  check(port > 0, "[serve] cannot listen on ", options.host, ":", options.port,
        "; is the port taken? --port 0 finds a free one");
  // The library listens for five at a time; the others would try again after a second.
  ::listen(own_socket, kToConnect);
  std::thread watch([&] {
    while (!server.is_running() && !stop())
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    started("http://" + options.host + ":" + std::to_string(port) + "/");
    while (!stop()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    server.stop();
  });
  server.listen_after_bind();
  watch.join();
}

}  // namespace elbo
