#pragma once

#include <functional>
#include <memory>
#include <string>

#include "elbo/train/run.h"

namespace elbo {

struct ServeOptions {
  std::string host = "127.0.0.1";
  int64_t port = 8080;
  std::string token;
  int64_t connections = 1024;
  template <class F>
  void fields(F&& f) {
    f("host", host, "address to listen on; other than this machine's own require --token");
    f("port", port, "port to listen on (0 = a free one)", between(0, 65535));
    f("token", token,
      "token that clients must send as \"Authorization: Bearer TOKEN\" or ?token=TOKEN");
    f("connections", connections,
      "connections held open at once; the model answers one question at a time, more clients wait",
      between(1, 4096));
  }
};

/// Serves the explorer of a run over HTTP until `stop` says so (asked several times a second).
/// `started` receives the page's address. Raises an Error where it cannot listen, or must not:
/// another machine's clients need a token.
void serve(std::shared_ptr<const Run> run, std::shared_ptr<Model> model,
           const ServeOptions& options, const std::function<void(const std::string&)>& started,
           const std::function<bool()>& stop);
/// The description of the API (OpenAPI 3.0).
Json openapi();

}  // namespace elbo
