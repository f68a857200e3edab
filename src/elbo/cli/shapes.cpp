#include "elbo/cli/shapes.h"

#include "elbo/cli/progress.h"
#include "elbo/cli/table.h"

namespace elbo {
namespace {

Json layers_of(const std::vector<LayerReport>& layers, int64_t* flops, int64_t* outputs) {
  Json list = Json::array();
  for (const auto& layer : layers) {
    list.push_back({{"name", layer.name},
                    {"out", layer.out},
                    {"parameters", layer.parameters},
                    {"flops", layer.flops}});
    *flops += layer.flops;
    *outputs += numel(layer.out);
  }
  return list;
}

void add_layers(TextTable& table, const std::string& part, const Json& layers) {
  for (const auto& layer : layers) {
    table.add({part + " " + layer["name"].get<std::string>(), to_string(layer["out"].get<Shape>()),
               grouped(layer["parameters"]), grouped(layer["flops"])});
  }
}

}  // namespace

Json shape_report(const TrainPlan& plan) {
  int64_t flops = 0, outputs = 0, parameters = 0, buffers = 0;
  Json report;
  report["latent"] = layers_of(plan.model->latent->report(), &flops, &outputs);
  report["decoder"] = layers_of(plan.model->decoder->report(), &flops, &outputs);
  for (const auto& p : plan.model->parameters()) parameters += p.numel();
  for (const auto& b : plan.model->buffers()) buffers += b.numel();
  const int64_t batch = std::min(plan.facts["train"]["batch"].get<int64_t>(), plan.training_rows);
  const int64_t width = numel(plan.schemas.x.shape);
  // Values, gradients, two moments and two copies to roll back to and to save; a layer's output
  // is kept before and after its activation, with a gradient passing through.
  const int64_t floats =
      6 * parameters + buffers + 3 * batch * plan.objective->draws() * (outputs + width);
  report["data"] = {{"shape", plan.schemas.x.shape},
                    {"kind", plan.schemas.x.kind},
                    {"training_rows", plan.training_rows},
                    {"validation_rows", plan.validation_rows},
                    {"notes", plan.schemas.x.notes()}};
  report["model"] = plan.facts["model"];
  report["code"] = plan.model->latent->code();
  report["parameters"] = parameters;
  report["flops_per_row"] = flops;
  report["memory_bytes"] = 4 * floats;
  report["steps_per_epoch"] = plan.steps_per_epoch;
  report["steps"] = plan.steps;
  report["spec"] = plan.facts["spec"];
  report["train"] = plan.facts["train"];
  return report;
}

std::string shape_text(const Json& report) {
  TextTable table({"layer", "output", "parameters", "FLOPs per row"});
  add_layers(table, "latent", report["latent"]);
  add_layers(table, "decoder", report["decoder"]);
  const auto& data = report["data"];
  std::ostringstream out;
  out << "data        " << to_string(data["shape"].get<Shape>()) << " "
      << data["kind"].get<std::string>() << ", " << grouped(data["training_rows"])
      << " rows to train on, " << grouped(data["validation_rows"]) << " to validate\n\n"
      << table.text() << "\n"
      << "code        " << to_string(report["code"].get<Shape>()) << "\n"
      << "parameters  " << grouped(report["parameters"]) << "\n"
      << "arithmetic  " << grouped(report["flops_per_row"])
      << " FLOPs per row forward, three times that in training\n"
      << "memory      about " << grouped(report["memory_bytes"].get<int64_t>() / 1000000 + 1)
      << " MB for the model and one batch, without the data\n"
      << "steps       " << grouped(report["steps"]) << ", " << grouped(report["steps_per_epoch"])
      << " an epoch\n"
      << "spec        " << report["spec"].dump() << "\n";
  return out.str();
}

}  // namespace elbo
