#include "elbo/serve/server.h"
#include "elbo/tasks/task.h"

namespace elbo {
namespace {

Json object(const Json& properties) { return {{"type", "object"}, {"properties", properties}}; }

const Json kNumbers = {{"type", "array"}, {"items", {{"type", "number"}}}};

Json list_of(const Json& items) { return {{"type", "array"}, {"items", items}}; }

Json content(const Json& schema) { return {{"application/json", {{"schema", schema}}}}; }

Json operation(const std::string& about, const Json& body, const Json& result) {
  Json o{{"summary", about},
         {"responses",
          {{"200", {{"description", "the answer"}, {"content", content(result)}}},
           {"400",
            {{"description", "the question was not understood"},
             {"content", content(object({{"error", {{"type", "string"}}}}))}}}}}};
  if (!body.is_null()) o["requestBody"] = {{"required", true}, {"content", content(body)}};
  return o;
}

Json with_id(Json o) {
  o["parameters"] = {
      {{"name", "id"}, {"in", "path"}, {"required", true}, {"schema", {{"type", "integer"}}}}};
  return o;
}

}  // namespace

Json openapi() {
  const Json number{{"type", "number"}}, text{{"type", "string"}}, any = Json::object();
  const Json rows = object({{"codes", list_of(kNumbers)}, {"rows", list_of(any)}});
  const Json job = object({{"id", text}, {"state", text}, {"progress", number}, {"result", any}});
  std::vector<std::string> names;
  for (const auto& entry : tasks().entries()) {
    if (entry.make(Json::object())->data() != "must") names.push_back(entry.name);
  }
  Json paths;
  paths["/report"]["get"] = operation("The report of the run, a page", Json(), any);
  paths["/api/info"]["get"] = operation("The model, its sliders and its map", Json(), any);
  paths["/api/rows"]["get"] = operation("Names and columns of the rows on the map", Json(), any);
  paths["/api/near"]["post"] =
      operation("Rows of the map whose codes are nearest",
                object({{"code", kNumbers}, {"n", {{"type", "integer"}}}}), any);
  paths["/api/layout"]["post"] =
      operation("The rows of the map by t-SNE or UMAP", object({{"kind", text}}), any);
  paths["/api/open"]["post"] = operation("A row of the map, judged as one that is sent",
                                         object({{"place", {{"type", "integer"}}}}), any);
  paths["/api/decode"]["post"] = operation(
      "Rows of codes; where one number was moved, levels below it follow",
      object({{"codes", list_of(kNumbers)}, {"condition", text}, {"moved", {{"type", "integer"}}}}),
      rows);
  paths["/api/sample"]["post"] = operation(
      "Draws from the prior",
      object({{"n", {{"type", "integer"}}}, {"temperature", number}, {"condition", text}}), rows);
  auto encode =
      operation("Code, reconstruction and -log p(x) of a row", object({{"row", any}}), any);
  encode["requestBody"]["content"]["image/png"] = {
      {"schema", {{"type", "string"}, {"format", "binary"}}}};
  encode["parameters"] = {{{"name", "condition"},
                           {"in", "query"},
                           {"description", "of a picture; a row has it beside it"},
                           {"schema", text}}};
  paths["/api/encode"]["post"] = encode;
  paths["/api/jobs"]["post"] = operation(
      "Starts a task",
      object({{"task", {{"type", "string"}, {"enum", names}}}, {"options", any}, {"ending", text}}),
      job);
  paths["/api/jobs/{id}"]["get"] = with_id(operation("State and progress", Json(), job));
  paths["/api/jobs/{id}"]["delete"] = with_id(operation("Cancels", Json(), job));
  paths["/api/jobs/{id}/file"]["get"] =
      with_id(operation("What the task has written", Json(), any));
  return {{"openapi", "3.0.3"},
          {"info", {{"title", "elbo serve"}, {"version", "1"}}},
          {"paths", paths}};
}

}  // namespace elbo
