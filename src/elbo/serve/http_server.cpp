#include <ATen/Parallel.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <system_error>

#include "elbo/core/text.h"
#include "elbo/io/file.h"
#include "elbo/serve/access.h"
#include "elbo/serve/http_routes.h"
#include "elbo/serve/http_rules.h"
#include "elbo/serve/server.h"

namespace elbo {
namespace {

constexpr int kToConnect = 1024;  // clients that the system keeps while nobody accepts them

/// Files that may be open at once: a connection is one, and the usual bound is 1,024.
void allow_open_files(rlim_t count) {
  rlimit bound{};
  if (getrlimit(RLIMIT_NOFILE, &bound) != 0 || bound.rlim_cur >= count) return;
  bound.rlim_cur = std::min(count, bound.rlim_max);
  setrlimit(RLIMIT_NOFILE, &bound);
}

/// Nothing that clients ask for may wait for the server's terminal.
void close_input() {
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing < 0) return;
  ::dup2(nothing, STDIN_FILENO);
  ::close(nothing);
}

/// Ends the program where work that cannot be interrupted goes on for longer than a person waits.
class EndInTime {
 public:
  EndInTime() = default;
  void start(std::chrono::milliseconds within, std::function<void()> clear) {
    const auto wait = [this, within, clear = std::move(clear)] {
      std::unique_lock lock(mutex_);
      if (changed_.wait_for(lock, within, [this] { return done_; })) return;
      clear();
      std::fflush(nullptr);
      ::_exit(0);
    };
    try {
      thread_ = std::thread(wait);
    } catch (const std::system_error&) {
      // Nobody hurries it then.
    }
  }
  ~EndInTime() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }
  EndInTime(const EndInTime&) = delete;
  EndInTime& operator=(const EndInTime&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::thread thread_;
};

/// The token, from wherever it was given: an argument can be read by every user of the machine.
std::string token_of(const ServeOptions& options) {
  check(options.token.empty() || options.token_file.empty(),
        "[serve] token and token_file: give one of the two");
  auto token = options.token;
  if (!options.token_file.empty()) token = read_file(options.token_file);
  const char* variable = std::getenv("ELBO_TOKEN");
  if (variable && token.empty() && options.token_file.empty()) token = variable;
  while (!token.empty() && std::isspace(static_cast<unsigned char>(token.back()))) token.pop_back();
  const bool plain = std::all_of(token.begin(), token.end(),
                                 [](unsigned char c) { return c > ' ' && c <= '~' && c != ';'; });
  check(plain && (options.token_file.empty() || !token.empty()),
        "[serve] token: expected printable letters without spaces and semicolons");
  return token;
}

}  // namespace

void serve(std::shared_ptr<const Run> run, std::shared_ptr<Model> model,
           const ServeOptions& options, const std::function<void(const std::string&)>& started,
           const std::function<bool()>& stop) {
  const auto token = token_of(options);
  check(is_loopback(options.host) || !token.empty(), "[serve] host: ", options.host,
        " is open to other machines; name a --token-file or --token that they must send");
  // One row gains nothing from a second thread, and every connection would bring threads of its
  // own.
  at::set_num_threads(1);
  constexpr rlim_t kOtherFiles = 256;
  allow_open_files(static_cast<rlim_t>(options.connections) * 2 + kOtherFiles);
  close_input();
  EndInTime in_time;  // goes last: connections and jobs have ended by then
  Explorer explorer(run, std::move(model));
  RunReport report(run);
  Jobs jobs(run, options.job_memory << 20);
  Access access(options.host, split_text(options.allow_host, ','), token);
  const HttpLimits limits;
  BoundedServer server(limits, static_cast<size_t>(options.connections));
  int own_socket = -1;
  server.set_socket_options([&](int s) {
    constexpr int kYes = 1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &kYes, sizeof kYes);
    own_socket = s;
  });
  set_rules(server, access, limits);
  add_routes(server, explorer, report, jobs);

  const int port = options.port > 0
                       ? (server.bind_to_port(options.host.c_str(), static_cast<int>(options.port))
                              ? static_cast<int>(options.port)
                              : -1)
                       : server.bind_to_any_port(options.host.c_str());
  check(port > 0, "[serve] cannot listen on ", options.host, ":", options.port,
        "; is the port taken? --port 0 finds a free one");
  access.set_port(port);
  // The library listens for five at a time; the others would try again after a second.
  ::listen(own_socket, kToConnect);
  std::atomic<bool> over{false};
  std::thread watch([&] {
    while (!server.is_running() && !stop() && !over)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const bool six = options.host.find(':') != std::string::npos;
    started("http://" + (six ? "[" + options.host + "]" : options.host) + ":" +
            std::to_string(port) + "/");
    while (!stop() && !over) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    constexpr std::chrono::milliseconds kPatience{2000};
    in_time.start(kPatience, [folder = jobs.folder()] {
      std::error_code ignored;
      std::filesystem::remove_all(folder, ignored);
    });
    jobs.cancel_all();
    server.end();
  });
  const bool listened = server.listen_after_bind();
  over = true;
  watch.join();
  check(listened || stop(), "[serve] ", options.host, ":", port, ": the system ended listening");
}

}  // namespace elbo
