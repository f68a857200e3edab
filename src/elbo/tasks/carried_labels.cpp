#include "elbo/tasks/carried_labels.h"

#include "elbo/data/label_rows.h"
#include "elbo/eval/cell_forest.h"
#include "elbo/eval/linear.h"
#include "elbo/eval/spread.h"
#include "elbo/train/kept.h"
#include "elbo/train/usual.h"

namespace elbo {
namespace {

/// Pictures, each seen from a random place near by.
class Viewed : public Dataset {
 public:
  Viewed(const Dataset& of, ViewOptions how) : of_(of), how_(how) {}
  int64_t size() const override { return of_.size(); }
  Schemas schemas() const override { return of_.schemas(); }
  Batch get(const Tensor& rows, const Draw& draw) const override {
    auto batch = of_.get(rows, draw);
    batch.x = random_views(batch.x, how_);
    return batch;
  }

 private:
  const Dataset& of_;
  const ViewOptions how_;
};

/// Codes and cells of rows, the last of which are asked about, and what is known of the others.
struct Asked {
  Tensor codes, known;  // [n, D]; [n], -1 where it is not known
  int64_t count = 0;    // of those that are asked about
  std::vector<Tensor> views;
  Tensor cells = {};  // [n, F], or of the `count` rows where the run keeps a forest
  std::optional<Forest> forest = {};
  FoldErrors forest_errors = {};  // of a kept forest

  int64_t first() const { return codes.size(0) - count; }
};

/// A way to use labels: its name, how it is told, how it does, and probabilities [count, K].
struct Way {
  std::string name, method;
  std::function<FoldErrors()> errors;
  std::function<Tensor()> guess;
};

Way spread_way(const Asked& a, const CodeGraph& graph, int64_t classes, const std::string& count) {
  const auto guess = [&a, &graph, classes](const Tensor& told, const Tensor& asked) {
    const auto labels = a.known.index_select(0, told);
    const auto hidden = torch::full_like(a.known, -1).index_copy_(0, told, labels);
    return graph.carried(hidden, classes).index_select(0, asked);
  };
  return {"spread", "labels of " + count + " spread over the neighbours of codes",
          [&a, guess] { return errors_by_folds(a.known, guess); },
          [&a, &graph, classes] {
            return graph.carried(a.known, classes).narrow(0, a.first(), a.count);
          }};
}

Way line_way(const Asked& a, int64_t classes, const std::string& count) {
  const auto line = [&a, classes](const Tensor& told, const Tensor& asked) {
    const auto seen = a.codes.index_select(0, told);
    const Scaling scaled(seen);
    return fit_logistic(scaled(seen), a.known.index_select(0, told), classes)
        .probabilities(scaled(asked));
  };
  const auto guess = [&a, line](const Tensor& told, const Tensor& asked) {
    return line(told, a.codes.index_select(0, asked));
  };
  return {"logistic", "logistic regression on codes of " + count,
          [&a, guess] { return errors_by_folds(a.known, guess); },
          [&a, line] {
            const auto told = (a.known >= 0).nonzero().flatten();
            return line(told, a.codes.slice(0, a.first())).to(torch::kFloat32);
          }};
}

Way forest_way(const Asked& a, int64_t classes, const std::string& count) {
  return {"forest", "random forest on the cells of " + count,
          [&a, classes] {
            return a.forest ? a.forest_errors : errors_of_forest(a.cells, a.known, classes);
          },
          [&a, classes] {
            const auto asked = a.cells.slice(0, a.cells.size(0) - a.count);
            if (a.forest) return a.forest->probabilities(asked).to(torch::kFloat32);
            const auto told = (a.known >= 0).nonzero().flatten();
            const auto seen = a.cells.index_select(0, told);
            return forest_of_cells(seen, a.known.index_select(0, told), classes)
                .probabilities(asked)
                .to(torch::kFloat32);
          }};
}

/// The labels of the rows that are asked about may be among those that are known.
Guesses guessed(const Asked& a, int64_t classes, const CarryOptions& o, const std::string& which) {
  const int64_t labelled = (a.known >= 0).sum().item<int64_t>();
  const auto count = std::to_string(labelled) + which;
  std::optional<CodeGraph> graph;
  std::vector<Way> ways;
  if (o.method != "forest") {
    graph.emplace(a.codes, o.neighbours, a.views);
    ways.push_back(spread_way(a, *graph, classes, count));
  }
  const bool choose = o.method == "auto" && labelled > 1;
  if (choose) ways.push_back(line_way(a, classes, count));
  if (a.cells.defined() && o.method != "spread") ways.push_back(forest_way(a, classes, count));
  Guesses guesses;
  size_t best = 0;
  if (choose) {
    std::vector<FoldErrors> errors;
    for (const auto& way : ways) {
      errors.push_back(way.errors());
      guesses.chosen[way.name] = errors.back().wrong;
    }
    best = static_cast<size_t>(std::min_element(errors.begin(), errors.end()) - errors.begin());
  }
  guesses.method = ways[best].method;
  guesses.p = ways[best].guess();
  return guesses;
}

/// Where the training rows are not here: by the codes of labelled ones that the run keeps, among
/// those of others.
Guesses carry_kept_labels(const TaskInput& input, const TaskRows& rows, const CarryOptions& o,
                          const Draw& draw) {
  const auto kept = input.run->kept();
  const bool known = kept && kept->seen.defined() && kept->seen_y.defined();
  const bool forest = known && kept->forest.defined();
  if (!known || o.views > 0 || (o.method == "forest" && !forest)) input.run->lack_data();
  const auto layout = code_layout(*input.model, input.run->schemas());
  const int64_t n = rows.data->size(), between = kept->codes.defined() ? kept->codes.size(0) : 0;
  std::vector<Tensor> codes{kept->seen};
  if (between > 0) codes.push_back(kept->codes);
  codes.push_back(encode_all(*input.model, layout, *rows.data, draw).mean);
  Asked asked{torch::cat(codes),
              torch::cat({kept->seen_y, torch::full({between + n}, -1, torch::kInt64)}),
              n,
              {}};
  if (forest) {
    asked.cells = cells_of(*rows.data, draw);
    asked.forest.emplace(kept->forest);
    check(asked.forest->classes() == class_count(input.run->schemas().y),
          "[run] kept.safetensors: found a forest of ", asked.forest->classes(),
          " classes, the labels have ", class_count(input.run->schemas().y));
    const Json labels = kept->about.value("labels", Json::object());
    const auto share = [&](const char* name) {
      const Json found = labels.value(name, Json());
      return found.is_number() ? found.get<double>() : 1.0;
    };
    asked.forest_errors = {share("wrong_by_forest"), share("doubt_of_forest")};
  }
  auto guesses = guessed(asked, class_count(input.run->schemas().y), o, " kept rows");
  guesses.y = labels_of(*rows.data);
  return guesses;
}

/// All labelled rows, and of the others so many that their graph is made in seconds.
Data bounded(const Data& training, const Draw& draw) {
  constexpr int64_t kMost = 20000;
  const auto y = labels_of(*training);
  if (training->size() <= kMost) return training;
  const auto* label = y.data_ptr<int64_t>();
  std::vector<int64_t> rows;
  int64_t others = 0;
  for (const auto row : permutation(training->size(), draw.key("classify"))) {
    if (label[row] >= 0 || ++others <= kMost) rows.push_back(row);
  }
  std::sort(rows.begin(), rows.end());
  return subset(training, rows);
}

}  // namespace

ViewOptions slight_views(const TaskInput& input) {
  const auto& shape = input.run->schemas().x.shape;
  check(shape.size() == 3, "[classify] views: rows of shape ", to_string(shape),
        " are not pictures");
  return {0.05, 10, 0.08, 0.1, 0};
}

bool has_few_labels(const TaskInput& input) {
  if (!input.run->schemas().y.present()) return false;
  const auto kept = input.run->kept();
  const Json labels = kept ? kept->about.value("labels", Json()) : Json();
  const auto count = [&](const char* name) {
    const auto number = labels.value(name, Json());
    return number.is_number_integer() ? number.get<int64_t>() : 0;
  };
  if (labels.is_object()) return labels_are_few(count("known"), count("rows"));
  if (!input.run->data_here()) return false;
  const auto y = labels_of(*input.run->training_data());
  return labels_are_few((y >= 0).sum().item<int64_t>(), y.size(0));
}

Guesses carry_labels(const TaskInput& input, const TaskRows& rows, bool own_rows,
                     const CarryOptions& o, const Draw& draw) {
  if (!input.run->data_here()) return carry_kept_labels(input, rows, o, draw);
  const auto& schema = input.run->schemas().y;
  check(schema.present(), "[classify] ", input.run->data_name(),
        " has no labels that could be spread");
  const auto& x = input.run->schemas().x;
  check(o.method != "forest" || are_cells(x), "[classify] forest: found rows of shape ",
        to_string(x.shape), ", expected cells of tables or lists of numbers");
  auto training = input.run->training_data();
  if (o.method != "spread" && !own_rows) training = bounded(training, draw);
  const auto all = own_rows ? training : concat({training, rows.data});
  const auto layout = code_layout(*input.model, input.run->schemas());
  Asked asked{encode_all(*input.model, layout, *all, draw).mean,
              labels_of(*training),
              rows.data->size(),
              {}};
  const auto slightly = o.views > 0 ? slight_views(input) : ViewOptions();
  for (int64_t k = 0; k < o.views; ++k) {
    asked.views.push_back(encode_all(*input.model, layout, Viewed(*all, slightly), draw).mean);
    input.progress(static_cast<double>(k + 1) / static_cast<double>(o.views + 1));
  }
  const auto more = torch::full({all->size() - asked.known.size(0)}, -1, torch::kInt64);
  asked.known = torch::cat({asked.known, more});
  if (o.method != "spread" && are_cells(x)) asked.cells = cells_of(*all, draw);
  auto guesses = guessed(asked, class_count(schema), o, " rows");
  guesses.y = labels_of(*rows.data);
  return guesses;
}

}  // namespace elbo
