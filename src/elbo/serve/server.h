#pragma once

#include <functional>
#include <memory>
#include <string>

#include "elbo/train/run.h"

namespace elbo {

struct ServeOptions {
  std::string host = "127.0.0.1";
  int64_t port = 8080;
  std::string token, token_file, allow_host;
  int64_t connections = 1024;
  int64_t job_memory = 2048;
  template <class F>
  void fields(F&& f) {
    f("host", host, "address to listen on; other than this machine's own require a token");
    f("port", port, "port to listen on (0 = a free one)", between(0, 65535));
    f("token", token,
      "token that clients must send as \"Authorization: Bearer TOKEN\"; the page takes "
      "/?token=TOKEN once; other users of the machine can read it here, unlike in token_file or "
      "the variable ELBO_TOKEN");
    f("token_file", token_file, "file that holds the token");
    f("allow_host", allow_host,
      "further names that clients may call the server by, with commas, e.g. that of a proxy");
    f("connections", connections,
      "connections held open at once; the model answers one question at a time, more clients wait",
      between(1, 4096));
    f("job_memory", job_memory, "most memory that a job may take by its estimate, in MB",
      between(16, 1e6));
  }
};

/// Serves the explorer of a run over HTTP until `stop` says so (asked several times a second).
/// `started` receives the page's address. Raises an Error where it cannot listen, or must not:
/// another machine's clients need a token. After `stop`, work that cannot be interrupted gets two
/// seconds; then the process ends.
void serve(std::shared_ptr<const Run> run, std::shared_ptr<Model> model,
           const ServeOptions& options, const std::function<void(const std::string&)>& started,
           const std::function<bool()>& stop);
/// The description of the API (OpenAPI 3.0).
Json openapi();

}  // namespace elbo
