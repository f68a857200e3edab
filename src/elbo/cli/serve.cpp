#include <iostream>

#include "elbo/cli/flags.h"
#include "elbo/cli/run_arguments.h"
#include "elbo/cli/signals.h"
#include "elbo/serve/server.h"

namespace elbo {
namespace {

struct ServeArguments : RunArguments {
  std::shared_ptr<Flags> flags;
};

int serve_run(ServeArguments& a) {
  const auto options = read_options<ServeOptions>(a.flags->given(), "serve");
  open_run(a, {{}, true, options.port, {options.token_file}, options.connections});
  const CatchSignals signals;
  const auto started = [&](const std::string& address) {
    if (a.json) {
      std::cout << Json{{"address", address}}.dump() << std::endl;
    } else {
      std::cout << "exploring " << a.run << " at " << address << " (Ctrl-C ends)" << std::endl;
    }
  };
  serve(a.input.run, a.input.model, options, started, [] { return caught_signal != 0; });
  return 0;
}

const bool serve_added =
    add_command({"serve",
                 "Explore a model in the browser, and its tasks over HTTP",
                 {"elbo serve runs/digits", "elbo serve runs/digits --port 0",
                  "elbo serve runs/digits --host 0.0.0.0 --token-file secret.txt"},
                 [](CLI::App& app) -> Command::Body {
                   auto a = std::make_shared<ServeArguments>();
                   add_run_arguments(app, *a, "never");
                   add_precision(app, *a);
                   a->flags = Flags::add(app, describe<ServeOptions>(), "Options");
                   return [a] { return serve_run(*a); };
                 }});

}  // namespace
}  // namespace elbo
