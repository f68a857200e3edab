#include "elbo/cli/flags.h"
#include "elbo/cli/progress.h"
#include "elbo/cli/result.h"
#include "elbo/tasks/task.h"

namespace elbo {
namespace {

using Entry = Registry<Task>::Entry;

struct ApplyArguments {
  std::string run, data_folder;
  TaskInput input;
  bool quiet = false, json = false;
  std::shared_ptr<Flags> flags;
};

int apply(const Entry& entry, ApplyArguments& a) {
  if (!a.data_folder.empty()) setenv("ELBO_DATA", a.data_folder.c_str(), 1);
  const auto task = entry.make(a.flags->given());
  auto run = std::make_shared<Run>(Run::open(a.run));
  a.input.model = run->load();
  a.input.run = run;
  ProgressTalk talk(talk_for(a.quiet || a.json));
  a.input.progress = [&](double done) { talk.share(done); };
  const Json result = task->run(a.input);
  talk.clear();
  print_result(result, a.json);
  return 0;
}

/// The command of a task: elbo TASK RUN [DATA] [-o OUT] [its options].
Command command_of(const Entry& entry) {
  const auto task = entry.make(Json::object());
  const auto declare = [&entry, data = task->data()](CLI::App& app) {
    auto a = std::make_shared<ApplyArguments>();
    app.add_option("RUN", a->run, "the folder that elbo train made")->required();
    if (data != "never") {
      app.add_option("DATA", a->input.data,
                     data == "must" ? "what to work on" : "what to work on; default: the run's own")
          ->required(data == "must");
    }
    app.add_option("-o,--out", a->input.out, "what to write; the ending chooses the format")
        ->type_name("FILE");
    a->flags = Flags::add(app, entry.options, "Options");
    app.add_option("--data-dir", a->data_folder, "where relative data paths are also looked for")
        ->type_name("FOLDER");
    app.add_flag("-q,--quiet", a->quiet, "no progress");
    app.add_flag("--json", a->json, "the result as one JSON object");
    return [&entry, a] { return apply(entry, *a); };
  };
  return {entry.name, entry.about, {task->example()}, declare};
}

const bool added = add_commands([] {
  std::vector<Command> list;
  for (const auto& entry : tasks().entries()) list.push_back(command_of(entry));
  return list;
});

}  // namespace
}  // namespace elbo
