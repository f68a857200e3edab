#include "elbo/serve/offline.h"

#include "elbo/data/tokenizer.h"
#include "elbo/export/parts.h"
#include "elbo/io/base64.h"
#include "elbo/io/file.h"
#include "elbo/io/web.h"
#include "elbo/serve/explorer.h"

namespace elbo {
namespace {

namespace fs = std::filesystem;

constexpr int kDrawsCarried = 128;         // codes of the prior, for each class
constexpr size_t kMostGraphs = 64u << 20;  // bytes of encoder and decoder that a page may carry
constexpr size_t kMostClasses = 256;       // that a page carries draws and conditions for

/// The runtime's program and the machine code that it loads.
struct Runtime {
  std::string script, code;
};

Runtime read_runtime(fs::path folder) {
  if (folder.empty()) folder = "node_modules/onnxruntime-web/dist";
  const auto script = folder / "ort.wasm.bundle.min.mjs";
  const auto code = folder / "ort-wasm-simd-threaded.wasm";
  for (const auto& file : {script, code}) {
    check(fs::is_regular_file(file), "[report] ", file.string(),
          ": not found; --interactive needs ONNX Runtime Web, 1.20 or later: \"npm install "
          "onnxruntime-web\" here, or --runtime FOLDER with the package's dist folder");
  }
  return {read_file(script.string()), read_file(code.string())};
}

/// Where a page keeps bytes: scripts read them by their id.
std::string packed(const std::string& id, std::string_view bytes) {
  return "<script type=\"application/octet-stream\" id=\"" + id + "\">" + base64(gzip(bytes)) +
         "</script>\n";
}

Json codes_of(Explorer& explorer, const std::string& condition) {
  return explorer.sample({{"n", kDrawsCarried}, {"condition", condition}})["codes"];
}

Json layout_of(Model& model, const Schemas& schemas) {
  Json sites = Json::array();
  for (const auto& site : code_layout(model, schemas).parts) {
    sites.push_back({{"name", site.site},
                     {"shape", site.shape},
                     {"whole", site.type == torch::kInt64},
                     {"offset", site.offset},
                     {"size", site.size}});
  }
  return sites;
}

/// Draws of the prior, under each condition where the model has one, and what the graphs read then.
void add_draws(Json& kit, Explorer& explorer) {
  const auto& info = explorer.info();
  if (!info["conditional"]) {
    kit["draws"] = {{"", codes_of(explorer, "")}};
    return;
  }
  const auto& classes = info["classes"];
  check(!classes.empty() && classes.size() <= kMostClasses,
        "[report] --interactive: conditions must be classes, at most ", kMostClasses);
  for (const auto& name : classes) {
    const auto condition = name.get<std::string>();
    kit["draws"][condition] = codes_of(explorer, condition);
    kit["conditions"][condition] = explorer.condition(condition);
  }
}

/// `text` in place of the first `mark`.
void put(std::string& page, const std::string& mark, const std::string& text) {
  const auto at = page.find(mark);
  check(at != std::string::npos, "[report] the explorer's page has no ", mark);
  page.replace(at, mark.size(), text);
}

}  // namespace

std::string offline_explorer(const std::shared_ptr<const Run>& run, fs::path runtime) {
  const auto& schemas = run->schemas();
  check(!is_text(schemas.x), "[report] --interactive: rows of kind \"", schemas.x.kind,
        "\" are not shown without a server; \"elbo serve\" shows them");
  const auto ort = read_runtime(std::move(runtime));
  const std::shared_ptr<Model> model = run->load();
  Explorer explorer(run, model);
  Json kit{
      {"info", explorer.info()}, {"x", to_json(schemas.x)}, {"sites", layout_of(*model, schemas)}};
  add_draws(kit, explorer);

  std::string parts;
  size_t bytes = 0;
  const auto add_graph = [&](const ModelPart& part) {
    const auto exported = export_part(*model, part);
    const auto file = onnx_file(exported.graph);
    bytes += file.size();
    parts += packed(part.name, file);
    return exported.note;
  };
  for (const auto& part : model_parts(model, schemas)) {
    if (part.name == "decoder") {
      const auto note = add_graph(part);
      check(note.empty(), "[report] --interactive: the decoder gives no picture by itself: ", note);
    } else if (part.name == "encoder") {
      try {
        add_graph(part);
        kit["encoder"] = true;
      } catch (const Error&) {
        kit["encoder"] = false;  // the page then takes no row of the reader's own
      }
    }
  }
  check(bytes <= kMostGraphs, "[report] --interactive: the graphs have ", bytes, " bytes, at most ",
        kMostGraphs, " go into a page");
  auto page = web_file("explorer");
  // Nothing but what the page carries: no request leaves it.
  put(page, "<head>",
      "<head>\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src "
      "data: blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'wasm-unsafe-eval' "
      "blob:\">");
  put(page, "<script>",
      parts + packed("kit", kit.dump()) + packed("runtime", ort.script) +
          packed("machine", ort.code) + "<script>" + web_file("offline") + "</script>\n<script>");
  return page;
}

}  // namespace elbo
