#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <optional>

#include "elbo/cli/flags.h"
#include "elbo/cli/half_blocks.h"
#include "elbo/cli/progress.h"
#include "elbo/cli/result.h"
#include "elbo/cli/run_arguments.h"
#include "elbo/core/text.h"
#include "elbo/io/file.h"
#include "elbo/io/image.h"

namespace elbo {
namespace {

using Entry = Registry<Task>::Entry;

struct ApplyArguments : RunArguments {
  std::shared_ptr<Flags> flags;
  bool print = false;
};

/// The picture that a task has written, in the terminal.
void print_picture(const Json& result) {
  const auto file = result.is_object() ? result.value("file", std::string()) : "";
  check(is_image_name(file), "[print] ", file, " is not a picture; name one with -o FILE.png");
  std::cout << half_blocks(decode_image(read_file(file), file), terminal_columns());
}

constexpr const char* kStandardOutput = "-";

/// A folder that is gone afterwards.
class OwnFolder {
 public:
  OwnFolder() {
    auto name = (std::filesystem::temp_directory_path() / "elbo-XXXXXX").string();
    check(mkdtemp(name.data()) != nullptr, "[out] ", name, ": ", std::strerror(errno));
    path_ = name;
  }
  ~OwnFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The one file that a task has written goes to standard output, what it says of it to the other.
void pour(Json result, bool quiet, bool json) {
  auto files = result.value("files", Json::array());
  if (result.contains("file")) files.push_back(result["file"]);
  if (files.empty()) return print_result(result, json);
  check(files.size() == 1, "[out] -: standard output takes one file, the result is ", files.size(),
        "; name them by -o FILE");
  const auto file = files[0].get<std::string>();
  const bool picture = is_image_name(file) || file.ends_with(".npy") || file.ends_with(".npz");
  check(!picture || isatty(STDOUT_FILENO) == 0,
        "[out] -: not text, and standard output is a terminal; --print shows a picture there");
  std::cout << read_file(file) << std::flush;
  result.erase("file");
  result.erase("files");
  if (quiet) return;
  std::cerr << (json ? result.dump() + "\n" : printable(result_text(result)));
}

int apply(const Entry& entry, ApplyArguments& a) {
  const bool poured = a.input.out == kStandardOutput;
  std::optional<OwnFolder> own;
  if (poured) {
    a.input.out.clear();
    a.input.folder = own.emplace().path();
  }
  const auto out = a.input.out.string();
  check(!a.print || out.empty() || is_image_name(out), "[print] ", out,
        " will not be a picture; name one with -o FILE.png");
  // Options are judged before a large model is read.
  const auto task = entry.make(a.flags->given());
  open_run(a);
  ProgressTalk talk(talk_for(a.quiet || a.json));
  a.input.progress = [&](double done) { talk.share(done); };
  a.input.say = [&](const std::string& line) {
    talk.clear();
    std::cout << line << std::endl;  // at once: somebody waits for it
  };
  const Json result = task->run(a.input);
  talk.clear();
  if (a.print) print_picture(result);
  const bool lines = result.is_object() && result.contains("text");
  if (poured && result.is_object() && !lines) {
    pour(result, a.quiet, a.json);
    return 0;
  }
  if (!result.is_null()) print_result(result, a.json);
  return 0;
}

/// The command of a task: elbo TASK RUN [DATA] [-o OUT] [its options].
Command command_of(const Entry& entry) {
  const auto task = entry.make(Json::object());
  const auto declare = [&entry, data = task->data(), rounds = task->may_round()](CLI::App& app) {
    auto a = std::make_shared<ApplyArguments>();
    add_run_arguments(app, *a, data);
    app.add_option("-o,--out", a->input.out,
                   "output file; its ending sets the format (- = standard output, a folder = a "
                   "file for each picture)")
        ->type_name("FILE");
    app.add_flag("--print", a->print, "show the picture in the terminal, too");
    if (rounds) add_precision(app, *a);
    a->flags = Flags::add(app, entry.options, "Options");
    return [&entry, a] { return apply(entry, *a); };
  };
  return {entry.name, entry.about, {task->example()}, declare};
}

const bool apply_added = add_commands([] {
  std::vector<Command> list;
  for (const auto& entry : tasks().entries()) list.push_back(command_of(entry));
  return list;
});

}  // namespace
}  // namespace elbo
