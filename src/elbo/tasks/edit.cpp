#include <cstdlib>

#include "elbo/io/animation.h"
#include "elbo/tasks/direction.h"
#include "elbo/tasks/output.h"

namespace elbo {
namespace {

struct EditOptions {
  RowChoice choice;
  std::string set, along, orthogonal, method = "mean", amount = "-2..2";
  int64_t steps = 9, show = 12, seed = 0;
  template <class F>
  void fields(F&& f) {
    choice.fields(f);
    f("set", set,
      "values to set instead of the rows' own: label=CLASS, label=all, or SITE=VALUE;…");
    f("along", along,
      "direction to walk along, from the codes of NEGATIVES to those of POSITIVES: "
      "POSITIVES:NEGATIVES, each a class or DATA");
    f("orthogonal", orthogonal, "attribute that the walk leaves unchanged: POSITIVES:NEGATIVES");
    f("method", method, "direction: between the means, or across a logistic regression's plane",
      one_of({"mean", "logistic"}));
    f("amount", amount,
      "distance to walk: FROM..TO or one number (1 = from the negatives to the positives)");
    f("steps", steps, "number of points from FROM to TO", between(1, 1000));
    f("show", show, "number of rows shown in a picture", between(1, 1000));
    f("seed", seed, "seed of the binarization", at_least(0));
  }
};

double number(const std::string& text, const std::string& all) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  check(!text.empty() && *end == 0, "[edit] amount: \"", all, "\": expected a number or FROM..TO");
  return value;
}

std::vector<double> amounts(const std::string& text, int64_t steps) {
  const auto dots = text.find("..");
  if (dots == std::string::npos) return {number(text, text)};
  const double from = number(text.substr(0, dots), text), to = number(text.substr(dots + 2), text);
  std::vector<double> list;
  for (int64_t i = 0; i < steps; ++i) {
    list.push_back(steps == 1 ? to : from + (to - from) * static_cast<double>(i) / (steps - 1));
  }
  return list;
}

/// A change of codes and conditions: what one column of the strip shows.
struct Change {
  std::string name;
  Values sites;    // one row each
  Tensor c, step;  // a condition instead of the row's own; what is added to the code
};

std::vector<std::string> labels_known(const Schemas& schemas) {
  return class_names(schemas.c.present() ? schemas.c : schemas.y);
}

/// A label is the condition of a conditional model, else the site y of one that infers it.
Change label_change(const TaskInput& input, const CodeLayout& layout, const std::string& label) {
  Change change{"label=" + label, {}, Tensor(), Tensor()};
  const auto& schemas = input.run->schemas();
  if (schemas.c.present()) {
    change.c = conditions(input, label, 1);
    return change;
  }
  const bool infers = std::any_of(layout.parts.begin(), layout.parts.end(),
                                  [](const auto& part) { return part.site == "y"; });
  check(infers,
        "[edit] set: the model was trained neither with conditions nor with classes; use "
        "--along");
  const auto names = labels_known(schemas);
  const auto at = std::find(names.begin(), names.end(), label);
  check(at != names.end(), "[edit] set: unknown class \"", label, "\"; known: ", join(names));
  change.sites = parse_fixed(layout, "y=" + std::to_string(at - names.begin()));
  return change;
}

class Edit : public Task {
 public:
  explicit Edit(EditOptions options) : o_(std::move(options)) {}

  Json run(const TaskInput& input) override {
    check(o_.set.empty() != o_.along.empty(), "[edit] name one of --set and --along");
    check(o_.orthogonal.empty() || !o_.along.empty(), "[edit] orthogonal: only with --along");
    torch::NoGradGuard no_gradient;
    RandomScope scope(static_cast<uint64_t>(o_.seed));
    const Draw draw{static_cast<uint64_t>(o_.seed), 0};
    const auto& schema = input.run->schemas().x;
    const auto layout = code_layout(*input.model, input.run->schemas());
    Json result;
    const auto changes = changes_of(input, layout, draw, result);
    auto rows = open_task_rows(input, o_.choice);
    const auto path = output_path(input, "edited", schema);
    const bool picture = path.ends_with(".png");
    const bool shown = picture || is_animation_name(path);
    const int64_t n = shown ? std::min(rows.data->size(), o_.show) : rows.data->size();
    const auto columns = static_cast<int64_t>(changes.size());
    RowLabels labels{"row", [&](int64_t row) {
                       return rows.data->row_name(row / columns) + " " +
                              changes[static_cast<size_t>(row % columns)].name;
                     }};
    if (picture) labels.top.emplace_back("data");
    for (const auto& change : changes) labels.top.push_back(change.name);
    const auto file = create_output(path, schema, n * (columns + (picture ? 1 : 0)),
                                    picture ? columns + 1 : columns, labels);
    const int64_t block = std::max<int64_t>(1, block_rows(input.run->schemas()) / columns);
    for (int64_t from = 0; from < n; from += block) {
      const int64_t to = std::min(from + block, n);
      const auto batch = rows.data->get(torch::arange(from, to), draw);
      const auto codes = encode_batch(*input.model, layout, batch).mean;
      std::vector<Tensor> strip;
      if (picture) strip.push_back(batch.x);
      for (const auto& change : changes) {
        strip.push_back(changed(*input.model, layout, codes, batch.c, change, schema));
      }
      file->append(torch::stack(strip, 1).flatten(0, 1));
      input.progress(static_cast<double>(to) / static_cast<double>(n));
    }
    file->commit();
    result.update(written(*file, path));
    result.update({{"data", rows.name}, {"rows", n}});
    tell_unseen(*rows.data, result);
    for (const auto& change : changes) result["columns"].push_back(change.name);
    return result;
  }

  std::string data() const override { return "may"; }
  std::string example() const override {
    return "elbo edit RUN faces/ --along smile:neutral --amount -2..2 -o strip.png";
  }

 private:
  std::vector<Change> changes_of(const TaskInput& input, const CodeLayout& layout, const Draw& draw,
                                 Json& result) const {
    if (o_.along.empty()) return set_changes(input, layout);
    auto along = find_direction(input, layout, o_.along, o_.method, draw);
    if (!o_.orthogonal.empty()) {
      const auto other = find_direction(input, layout, o_.orthogonal, o_.method, draw).step;
      const auto share = (along.step * other).sum() / other.square().sum().clamp_min(1e-12);
      along.step = along.step - share * other;
    }
    result["direction"] = {{"method", o_.method},
                           {"length", along.step.norm().item<double>()},
                           {"separation", along.separation},
                           {"positives", along.positives},
                           {"negatives", along.negatives}};
    std::vector<Change> changes;
    for (const double amount : amounts(o_.amount, o_.steps)) {
      changes.push_back({Json(amount).dump(), {}, Tensor(), amount * along.step});
    }
    return changes;
  }

  std::vector<Change> set_changes(const TaskInput& input, const CodeLayout& layout) const {
    const std::string label = "label=";
    if (o_.set.rfind(label, 0) != 0) {
      return {{o_.set, parse_fixed(layout, o_.set), Tensor(), Tensor()}};
    }
    const auto asked = o_.set.substr(label.size());
    if (asked != "all") return {label_change(input, layout, asked)};
    std::vector<Change> changes;
    for (const auto& name : labels_known(input.run->schemas())) {
      changes.push_back(label_change(input, layout, name));
    }
    check(!changes.empty(), "[edit] set: the data name no classes");
    return changes;
  }

  static Tensor changed(Model& model, const CodeLayout& layout, const Tensor& codes,
                        const Tensor& c, const Change& change, const Schema& schema) {
    const int64_t n = codes.size(0);
    auto sites = as_sites(layout, change.step.defined() ? codes + change.step : codes);
    for (const auto& [name, value] : change.sites) {
      check(value.size(0) == 1, "[edit] set: ", name, " needs one row of values");
      auto shape = value.sizes().vec();
      shape[0] = n;
      sites[name] = value.expand(shape);
    }
    const auto given =
        change.c.defined() ? change.c.expand_as(c.defined() ? c : change.c).contiguous() : c;
    return one_value(*model.generate(n, given, sites).x, schema);
  }

  EditOptions o_;
};

const bool edit_added = tasks().add<EditOptions>(
    "edit", "Rows with another label or value, or moved along an attribute",
    [](EditOptions options) { return std::make_shared<Edit>(std::move(options)); });

}  // namespace
}  // namespace elbo
