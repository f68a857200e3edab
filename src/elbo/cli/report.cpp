#include "elbo/tasks/report.h"

#include <iostream>

#include "elbo/cli/flags.h"
#include "elbo/cli/progress.h"
#include "elbo/cli/result.h"
#include "elbo/cli/run_arguments.h"
#include "elbo/io/file.h"
#include "elbo/serve/offline.h"
#include "elbo/tasks/output.h"

namespace elbo {
namespace {

struct ReportArguments {
  std::vector<std::string> runs;
  std::string out, data_folder, runtime;
  bool quiet = false, json = false, interactive = false, no_sandbox = false;
  std::shared_ptr<Flags> flags;
};

int report(const ReportArguments& a) {
  const auto options = read_options<ReportOptions>(a.flags->given(), "report");
  use_data_folder(a.data_folder);
  const auto runs = open_runs(a.runs, a.quiet);
  if (!a.no_sandbox) confine(runs, {{a.out}});
  check(a.interactive || a.runtime.empty(), "[report] --runtime: requires --interactive");
  check(!a.interactive || runs.size() == 1, "[report] --interactive: shows one run, ", runs.size(),
        " are given");
  ProgressTalk talk(talk_for(a.quiet || a.json));
  const auto page = a.interactive
                        ? offline_explorer(runs[0], a.runtime)
                        : report_page(runs, options, [&](double done) { talk.share(done); });
  talk.clear();
  // One run's report lies in the run, a comparison where it is made.
  const std::string name = a.interactive ? "explorer.html" : "report.html";
  const auto beside = runs.size() == 1 ? (runs[0]->path() / name).string() : free_path(name);
  const auto path = a.out.empty() ? beside : a.out;
  if (path == "-") {
    std::cout << page;
    return 0;
  }
  write_file_atomic(path, page);
  print_result({{"file", path}, {"runs", runs.size()}, {"bytes", page.size()}}, a.json);
  return 0;
}

Command::Body declare_report(CLI::App& app) {
  auto a = std::make_shared<ReportArguments>();
  app.add_option(
         "RUN", a->runs,
         "one run, or several to compare side by side; the folder of a sweep stands for its runs")
      ->required();
  app.add_option("-o,--out", a->out,
                 "page to write (default: report.html in the run; - = standard output)")
      ->type_name("FILE");
  app.add_flag(
      "--interactive", a->interactive,
      "write the explorer instead: a page that needs no server, as the model runs in the browser");
  app.add_option("--runtime", a->runtime,
                 "dist folder of the package onnxruntime-web, for --interactive (default: the one "
                 "below node_modules)")
      ->type_name("FOLDER");
  add_data_folder(app, a->data_folder);
  add_quiet_flag(app, a->quiet);
  app.add_flag("--json", a->json, "print the result as one JSON object");
  add_sandbox_flag(app, a->no_sandbox);
  a->flags = Flags::add(app, describe<ReportOptions>(), "Options");
  return [a] { return report(*a); };
}

const bool report_added =
    add_command({"report",
                 "One HTML page with curves, pictures, maps and a diagnosis",
                 {"elbo report runs/digits", "elbo report runs/vae runs/beta_vae -o compare.html",
                  "elbo report sweeps/size -o sizes.html", "elbo report runs/digits --interactive"},
                 declare_report});

}  // namespace
}  // namespace elbo
