#include <iostream>

#include "elbo/cli/progress.h"
#include "elbo/cli/result.h"
#include "elbo/cli/run_arguments.h"
#include "elbo/export/autoencoder_import.h"
#include "elbo/export/card.h"
#include "elbo/export/parts.h"
#include "elbo/io/file.h"
#include "elbo/io/json_text.h"

namespace elbo {
namespace {

constexpr const char* kWhole = "decoder: all of it";  // of decoders that draw one component by one

struct ExportArguments : RunArguments {
  std::string onnx, card, evaluation, diffusers, ldm, type;
};

Json read_evaluation(const std::string& path) {
  if (path.empty()) return Json();
  const auto found = try_parse_json(read_file(path));
  check(found.is_object(), "[export] ", path,
        ": not a JSON object; expected the output of \"elbo evaluate RUN --json\"");
  return found;
}

int export_run(ExportArguments& a) {
  const bool published = !a.diffusers.empty() || !a.ldm.empty();
  check(!a.onnx.empty() || !a.card.empty() || published,
        "[export] nothing to write: name --onnx, --card, --diffusers or --ldm");
  check(a.type.empty() || published, "[export] --type: requires --diffusers or --ldm");
  check(a.evaluation.empty() || !a.card.empty(), "[export] --evaluation: requires --card");
  const auto evaluation = read_evaluation(a.evaluation);
  open_run(a, {{a.onnx, a.card, a.diffusers, a.ldm}});
  const auto& run = *a.input.run;
  Json result = Json::object();
  if (!a.onnx.empty()) {
    const Json facts{{"model", run.facts().value("model", std::string())},
                     {"data", run.data_name()},
                     {"x", to_json(run.schemas().x)}};
    result = export_onnx(a.input.model, run.schemas(), a.onnx, facts);
  }
  for (const bool folder : {true, false}) {
    const auto& path = folder ? a.diffusers : a.ldm;
    if (path.empty()) continue;
    const auto written = folder ? write_diffusers(run, *a.input.model, path, a.type)
                                : write_ldm(run, *a.input.model, path, a.type);
    result[folder ? "diffusers" : "ldm"] = path;
    result["tensors"] = written["tensors"];
    result["parameters"] = written["numbers"];
  }
  if (!a.card.empty()) {
    const auto card = model_card(run, *a.input.model, evaluation);
    if (a.card == "-") {
      std::cout << card;
      if (a.onnx.empty()) return 0;
    } else {
      write_file_atomic(a.card, card);
      result["card"] = a.card;
    }
  }
  if (a.json) {
    print_result(result, true);
    return 0;
  }
  ProgressTalk talk(talk_for(a.quiet));
  const Json left_out = result.value("left_out", Json::object());
  result.erase("left_out");
  // Whatever else was written, codes can neither be made nor read.
  const bool useless =
      left_out.contains("encoder") && (left_out.contains("decoder") || left_out.contains(kWhole));
  for (auto& file : result["files"]) {
    for (const char* nested : {"inputs", "outputs"}) {
      std::string names;
      for (const auto& value : file[nested]) {
        names += (names.empty() ? "" : ", ") + value["name"].get<std::string>();
      }
      file[nested] = names;
    }
  }
  if (result["files"].is_null()) result.erase("files");
  print_result(result, false);
  for (const auto& [part, why] : left_out.items()) {
    talk.say("left out: " + part + " (" + why.get<std::string>() + ")");
  }
  check(!useless, "[export] ", run.name(), ": neither its encoder nor its decoder can be written");
  return 0;
}

const bool export_added = add_command(
    {"export",
     "A model for other programs (ONNX, diffusers), and its card",
     {"elbo export runs/digits --onnx exported", "elbo export runs/vae --diffusers vae/",
      "elbo export runs/digits --card CARD.md"},
     [](CLI::App& app) -> Command::Body {
       auto a = std::make_shared<ExportArguments>();
       add_run_arguments(app, *a, "never");
       app.add_option("--onnx", a->onnx,
                      "folder to write encoder.onnx, decoder.onnx and sampler.onnx to")
           ->type_name("FOLDER");
       app.add_option("--diffusers", a->diffusers,
                      "folder for an image autoencoder that diffusers reads: config.json and "
                      "weights")
           ->type_name("FOLDER");
       app.add_option("--ldm", a->ldm,
                      "file for the same weights with the names of latent diffusion's own code")
           ->type_name("FILE.safetensors");
       app.add_option("--type", a->type,
                      "type of the numbers in these files: F32, F16 or BF16 (default: as they were "
                      "read)")
           ->type_name("TYPE");
       app.add_option("--card", a->card,
                      "file to write a model card to, in Markdown (- = standard output)")
           ->type_name("FILE");
       app.add_option("--evaluation", a->evaluation,
                      "output of \"elbo evaluate RUN --json\", for the card")
           ->type_name("FILE");
       return [a] { return export_run(*a); };
     }});

}  // namespace
}  // namespace elbo
