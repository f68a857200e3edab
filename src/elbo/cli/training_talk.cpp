#include "elbo/cli/training_talk.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "elbo/cli/progress.h"
#include "elbo/cli/table.h"
#include "elbo/data/column.h"

namespace elbo {
namespace {

using NamedTerms = std::vector<std::pair<std::string, double>>;

/// "14 columns: 9 real, 4 category, 1 date", or "1x28x28 binary".
std::string row_text(const Schema& x) {
  if (x.kind != Kind::kTable) return to_string(x.shape) + " " + to_string(x.kind);
  const auto columns = columns_of(x);
  std::map<std::string, int64_t> types;
  for (const auto& column : columns) ++types[column.type];
  std::vector<std::string> parts;
  for (const auto& [type, count] : types) parts.push_back(std::to_string(count) + " " + type);
  return std::to_string(columns.size()) + " columns: " + join(parts);
}

std::string part_name(const Json& spec, const char* part) {
  const auto& value = spec[part];
  if (value.is_object()) return value.value("type", std::string("auto"));
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string model_text(const TrainPlan& plan) {
  const auto& spec = plan.facts["spec"];
  int64_t parameters = 0;
  for (const auto& p : plan.model->parameters()) parameters += p.numel();
  return plan.facts["model"].get<std::string>() + ": encoder " + part_name(spec, "encoder") +
         ", code " + to_string(plan.model->latent->code()) + ", decoder " +
         part_name(spec, "decoder") + ", likelihood " + part_name(spec, "likelihood") + "; " +
         grouped(parameters) + " parameters";
}

std::string terms_with(const NamedTerms& terms, int digits) {
  std::ostringstream out;
  out.precision(digits);
  const char* between = "";
  for (const auto& [name, value] : terms) {
    out << between << name << " " << value;
    between = "  ";
  }
  return out.str();
}

}  // namespace

std::vector<std::string> start_lines(const TrainPlan& plan, const std::string& device,
                                     size_t columns) {
  const auto& train = plan.facts["train"];
  const int64_t threads = at::get_num_threads(), batch = train["batch"].get<int64_t>();
  const bool epochs = train.value("steps", int64_t{0}) == 0;
  const auto data = plan.facts["data"]["source"].get<std::string>() + ": " +
                    grouped(plan.training_rows + plan.validation_rows) + " rows (" +
                    grouped(plan.training_rows) + " to train, " + grouped(plan.validation_rows) +
                    " to validate), each " + row_text(plan.schemas.x);
  const auto steps = grouped(plan.steps) +
                     (!epochs                ? ", epochs of "
                      : train["epochs"] == 1 ? ", 1 epoch of "
                                             : ", " + train["epochs"].dump() + " epochs of ") +
                     grouped(plan.steps_per_epoch) + "; batches of " +
                     grouped(std::min(batch, plan.training_rows)) + " rows; " + device + ", " +
                     std::to_string(threads) + (threads == 1 ? " thread" : " threads");
  constexpr size_t kIndent = 7;
  return {wrapped("data   " + data, columns, kIndent),
          wrapped("model  " + model_text(plan), columns, kIndent),
          wrapped("steps  " + steps, columns, kIndent)};
}

std::vector<std::pair<std::string, double>> terms_of(const Json& object) {
  NamedTerms list;
  for (const auto& [name, value] : object.items()) {
    if (value.is_number()) list.emplace_back(name, value);
  }
  std::stable_partition(list.begin(), list.end(), [](const auto& t) { return t.first == "loss"; });
  return list;
}

std::string log_text(const Json& line, int64_t epochs, size_t columns) {
  const bool epoch_end = line.contains("best");
  // A line within an epoch counts the finished ones.
  const int64_t epoch = line.value("epoch", int64_t{0}) + (epoch_end ? 0 : 1);
  const auto head = "epoch " + std::to_string(epoch) +
                    (epochs > 0 ? "/" + std::to_string(epochs) : "") + "  step " +
                    std::to_string(line.value("step", int64_t{0}));
  auto train = terms_of(line.value("train", Json::object()));
  auto judged = terms_of(line.value("validation", Json::object()));
  const auto whole = [&](int digits) {
    return head + (train.empty() ? "" : "  " + terms_with(train, digits)) +
           (judged.empty() ? "" : "  | validation " + terms_with(judged, digits)) +
           (line.value("best", false) ? "  *" : "");
  };
  constexpr int kDigits = 5, kFewDigits = 4;
  auto text = whole(kDigits);
  if (text.size() <= columns) return text;
  // The losses stay; log.jsonl has everything.
  while ((text = whole(kFewDigits)).size() > columns && judged.size() > 1) judged.pop_back();
  while ((text = whole(kFewDigits)).size() > columns && train.size() > 1) train.pop_back();
  return text;
}

}  // namespace elbo
