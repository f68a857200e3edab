#include "elbo/cli/command.h"
#include "elbo/cli/progress.h"
#include "elbo/cli/result.h"
#include "elbo/coding/decoder.h"
#include "elbo/io/file.h"
#include "elbo/tasks/output.h"

namespace elbo {
namespace {

struct UnpackArguments {
  std::string file, out;
  bool quiet = false, json = false;
};

int unpack_file(const UnpackArguments& a) {
  const auto container = unpack(read_file(a.file), a.file);
  const auto decoder = held_decoder(container);
  check(decoder.has_value(), "[unpack] ", a.file,
        ": it holds no model; elbo decompress RUN FILE reads it by the run that made it");
  ProgressTalk talk(talk_for(a.quiet || a.json));
  const auto content = decoder->content(container, a.file, [&](double done) { talk.share(done); });
  talk.clear();
  const auto path = a.out.empty() ? free_path(unpacked_name(a.file, "unpacked")) : a.out;
  write_file_atomic(path, content);
  print_result({{"file", path}, {"bytes", content.size()}}, a.json);
  return 0;
}

Command::Body declare_unpack(CLI::App& app) {
  auto a = std::make_shared<UnpackArguments>();
  app.add_option("FILE", a->file, "file that elbo compress --alone has written")->required();
  app.add_option("-o,--out", a->out, "output file (default: the name without .elbo)");
  app.add_flag("-q,--quiet", a->quiet, "print no progress");
  app.add_flag("--json", a->json, "print the result as one JSON object");
  return [a] { return unpack_file(*a); };
}

const bool unpack_added =
    add_command({"unpack",
                 "The file that compress --alone has made small, without the run",
                 {"elbo unpack people.csv.elbo -o people.csv"},
                 declare_unpack});

}  // namespace
}  // namespace elbo
