#include "elbo/serve/offline.h"

#include "elbo/export/parts.h"
#include "elbo/export/translation.h"
#include "elbo/io/base64.h"
#include "elbo/io/file.h"
#include "elbo/io/web.h"
#include "elbo/model/levels.h"
#include "elbo/serve/explorer.h"
#include "elbo/serve/offline_cells.h"
#include "elbo/serve/page.h"

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
          ": not found; --interactive needs ONNX Runtime Web, 1.21 or later: \"npm install "
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

Json sites_of(const CodeLayout& layout, const Levels& levels) {
  Json sites = Json::array();
  for (const auto& site : layout.parts) {
    sites.push_back({{"name", site.site},
                     {"shape", site.shape},
                     {"whole", site.type == torch::kInt64},
                     {"offset", site.offset},
                     {"size", site.size},
                     {"below", site.size > 0 ? levels.below(site.offset) : std::vector<size_t>()}});
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

/// Red, green, blue and opacity of each pixel, 0 to 255, as a canvas has them: [N, H, W, 4].
Tensor canvas_pixels(const Tensor& x, const PictureView& view) {
  const auto shades = view.shades(x).nan_to_num(0).clamp(0, 1);
  const auto colours = shades.expand({-1, 3, -1, -1});
  const auto opacity = torch::ones_like(shades.narrow(1, 0, 1));
  return torch::cat({colours, opacity}, 1).permute({0, 2, 3, 1}) * 255;
}

constexpr const char* kHere = "_here";  // behind a variable's name: its value after the others'

/// The decoder of a model whose variables hang on each other: where "keep" [n, variables] is 0, one
/// holds what its prior expects, and the outputs tell which value that is.
ModelPart following(ModelPart part, const std::shared_ptr<Model>& model, const Levels& levels,
                    const CodeLayout& layout, bool conditional) {
  const auto count = static_cast<int64_t>(layout.parts.size());
  part.inputs.push_back({"keep", torch::ones({kManyRows, count})});
  part.compute = [=](const std::vector<Tensor>& in, int64_t) {
    const std::vector<Tensor> given(in.begin(), in.begin() + count);
    const auto c = conditional ? in[layout.parts.size()] : Tensor();
    const auto trace = levels.expected(given, in.back(), c);
    NamedTensors out{{"mean", model->decode(trace.code, c)->mean()}};
    for (const auto& site : trace.sites) out.emplace_back(site.name + kHere, site.value);
    return out;
  };
  part.instead = nullptr;
  return part;
}

/// The decoder whose outputs are what the page shows, "shown", and what a moved code has become.
ModelPart showing(ModelPart part, const RowView& rows) {
  part.compute = [decode = part.compute, rows](const std::vector<Tensor>& in, int64_t n) {
    auto out = decode(in, n);
    const auto* picture = std::get_if<PictureView>(&rows);
    const auto& mean = out.at(0).second;
    out[0] = {"shown", picture ? canvas_pixels(mean, *picture) : mean};
    std::erase_if(out,
                  [](const auto& o) { return o.first != "shown" && !o.first.ends_with(kHere); });
    return out;
  };
  return part;
}

/// The encoder that reads pictures as "pixels" of a canvas, and gives as "data" what it saw.
ModelPart seeing(ModelPart part, const RowView& rows) {
  const auto* picture = std::get_if<PictureView>(&rows);
  if (!picture) return part;
  const auto& shape = picture->shape();
  part.inputs[0] = {"pixels", torch::zeros({kManyRows, shape[1], shape[2], 4})};
  part.compute = [encode = part.compute, view = *picture](std::vector<Tensor> in, int64_t n) {
    const auto colours = in[0].permute({0, 3, 1, 2}).narrow(1, 0, 3) / 255;
    in[0] = view.read(colours);
    auto out = encode(in, n);
    out.emplace_back("data", canvas_pixels(in[0], view));
    return out;
  };
  return part;
}

/// How the page shows rows, and what its encoder reads.
void add_rows(Json& kit, const Shape& shape, const RowView& rows) {
  kit["decimals"] = kShownDecimals;
  kit["input"] = {{"name", "x"}, {"shape", shape}};
  if (std::holds_alternative<PictureView>(rows)) {
    kit["picture"] = {shape[1], shape[2]};
    kit["input"] = {{"name", "pixels"}, {"shape", {shape[1], shape[2], 4}}};
  }
  const auto* table = std::get_if<TableView>(&rows);
  if (!table) return;
  for (const auto& cells : table->cells()) kit["columns"].push_back(cell_rules(cells.column()));
}

}  // namespace

std::string offline_explorer(const std::shared_ptr<const Run>& run, fs::path runtime) {
  const auto& schemas = run->schemas();
  check(!TextView::shows(schemas.x), "[report] --interactive: rows of kind \"", schemas.x.kind,
        "\" are not shown without a server; \"elbo serve\" shows them");
  const auto ort = read_runtime(std::move(runtime));
  const std::shared_ptr<Model> model = run->load();
  Explorer explorer(run, model);
  const auto layout = code_layout(*model, schemas);
  const Levels levels(*model, layout, schemas);
  Json kit{{"info", explorer.info()},
           {"sites", sites_of(layout, levels)},
           {"levels", levels.any()},
           {"centre", explorer.centre()}};
  const auto rows = view_of(schemas.x);
  add_rows(kit, schemas.x.shape, rows);
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
      const auto decoder =
          levels.any() ? following(part, model, levels, layout, schemas.c.present()) : part;
      const auto note = add_graph(showing(decoder, rows));
      check(note.empty(), "[report] --interactive: the decoder gives no picture by itself: ", note);
    } else if (part.name == "encoder") {
      try {
        add_graph(seeing(part, rows));
        kit["encoder"] = true;
      } catch (const Error&) {
        kit["encoder"] = false;  // the page then takes no row of the reader's own
      }
    }
  }
  check(bytes <= kMostGraphs, "[report] --interactive: the graphs have ", bytes, " bytes, at most ",
        kMostGraphs, " go into a page");
  // Nothing but what the page carries: no request leaves it.
  const std::string policy =
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data: "
      "blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'wasm-unsafe-eval' blob:\">";
  parts += packed("kit", kit.dump()) + packed("runtime", ort.script) + packed("machine", ort.code);
  return explorer_page(policy, parts + "<script>\n" + web_file("offline.js") + "</script>\n");
}

}  // namespace elbo
