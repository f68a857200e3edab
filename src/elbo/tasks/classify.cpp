#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "elbo/data/label_rows.h"
#include "elbo/data/reader.h"
#include "elbo/eval/linear.h"
#include "elbo/eval/spread.h"
#include "elbo/io/row_file.h"
#include "elbo/tasks/carried_labels.h"
#include "elbo/tasks/output.h"
#include "elbo/tasks/rows.h"
#include "elbo/train/kept.h"

namespace elbo {
namespace {

struct ClassifyOptions {
  RowChoice choice;
  std::string method = "auto";
  int64_t neighbours = 7;
  double share = 1;
  int64_t views = 0;
  int64_t bins = 15;
  int64_t seed = 0;
  template <class F>
  void fields(F&& f) {
    choice.fields(f);
    f("method", method,
      "method: auto (what the model infers; else logistic, or with few labels the one of the "
      "others "
      "that is wrong least often about labelled training rows), logistic (regression on codes), "
      "spread (labels carried along a graph of neighbouring codes, Zhou et al. 2004) or forest "
      "(trees on the cells of tables and lists of numbers, Breiman 2001)",
      one_of({"auto", "logistic", "spread", "forest"}));
    f("neighbours", neighbours, "spread: neighbours per row in the graph", between(1, 100));
    f("share", share,
      "fraction of each predicted class that is labelled, most confident first; the rest get -1",
      between(0, 1));
    f("views", views,
      "pictures: number of slightly moved and turned views to average with the row itself; with "
      "spread, views count as neighbours, too (0 = none)",
      between(0, 256));
    f("bins", bins, "number of bins of the calibration error", between(2, 1000));
    f("seed", seed, "seed of the binarization", at_least(0));
  }
};

/// Codes of labelled training rows that the run keeps.
std::shared_ptr<const Kept> kept_codes(const Run& run) {
  const auto kept = run.kept();
  if (!kept || !kept->seen.defined() || !kept->seen_y.defined()) run.lack_data();
  return kept;
}

constexpr int64_t kMostTraining = 20000;  // rows that the classifier of codes learns from

/// Whether the model tells the classes of these rows by itself.
bool infers_classes(Model& model, const Dataset& rows, const Draw& draw) {
  return model.latent->class_probs(rows.get(torch::zeros({1}, torch::kInt64), draw)).defined();
}

/// q(y|x) of a model that infers classes; for others logistic regression on the codes of the
/// run's labelled training rows (M1 of Kingma et al. 2014, arXiv:1406.5298).
class Classifier {
 public:
  /// `judged`: rows that show whether the model tells classes by itself; `codes`: do not ask it.
  Classifier(const TaskInput& input, const Dataset& judged, bool codes, const Draw& draw)
      : model_(*input.model), layout_(code_layout(model_, input.run->schemas())) {
    const auto& y = input.run->schemas().y;
    names_ = class_names(y);
    if (!codes && infers_classes(model_, judged, draw)) return;
    check(y.present(), "[classify] the model infers no classes and ", input.run->data_name(),
          " has no labels to learn them from");
    if (input.run->data_here()) {
      learn(*input.run->training_data(), draw);
    } else {
      const auto kept = kept_codes(*input.run);
      learn(kept->seen, kept->seen_y);
    }
  }

  /// [B, K]
  Tensor operator()(const Batch& batch) {
    if (!linear_) return model_.latent->class_probs(batch);
    const auto codes = encode_batch(model_, layout_, batch).mean;
    return linear_->probabilities((*scaled_)(codes)).to(torch::kFloat32);
  }

  std::string method() const {
    return linear_
               ? "logistic regression on codes of " + std::to_string(labelled_) + " labelled rows"
               : "q(y|x) of the model";
  }

 private:
  void learn(const Dataset& data, const Draw& draw) {
    const auto y = labels_of(data);
    auto rows = (y >= 0).nonzero().flatten();
    if (rows.size(0) > kMostTraining) {
      const auto order = permutation(rows.size(0), draw.key("classify"));
      rows = rows.index_select(0, torch::tensor(order).narrow(0, 0, kMostTraining));
    }
    labelled_ = rows.size(0);
    check(labelled_ > 0, "[classify] none of the training rows has a label");
    std::vector<Tensor> parts;
    for (int64_t at = 0; at < labelled_; at += kBlock) {
      const auto some = rows.narrow(0, at, std::min(kBlock, labelled_ - at));
      parts.push_back(encode_batch(model_, layout_, data.get(some, draw)).mean);
    }
    learn(torch::cat(parts), y.index_select(0, rows));
  }

  void learn(const Tensor& codes, const Tensor& y) {
    labelled_ = y.size(0);
    scaled_ = Scaling(codes);
    linear_ = fit_logistic((*scaled_)(codes), y, static_cast<int64_t>(names_.size()));
  }

  static constexpr int64_t kBlock = 512;

  Model& model_;
  CodeLayout layout_;
  std::vector<std::string> names_;
  std::optional<LogisticRegression> linear_;
  std::optional<Scaling> scaled_;
  int64_t labelled_ = 0;
};

/// Classes of all rows, block by block.
Guesses infer_classes(const TaskInput& input, const TaskRows& rows, bool codes, int64_t views,
                      const Draw& draw) {
  const auto slightly = views > 0 ? slight_views(input) : ViewOptions();
  Classifier classifier(input, *rows.data, codes, draw);
  std::vector<Tensor> all, labels;
  const auto n = static_cast<double>(rows.data->size());
  for_each_batch(*rows.data, block_rows(input.run->schemas()), draw,
                 [&](const Batch& batch, int64_t first) {
                   Batch seen{batch.x, batch.mask, batch.c, Tensor()};
                   auto p = classifier(seen);
                   for (int64_t k = 0; k < views; ++k) {
                     seen.x = random_views(batch.x, slightly);
                     p = p + classifier(seen);
                   }
                   all.push_back(p / static_cast<double>(views + 1));
                   if (batch.y.defined()) labels.push_back(batch.y);
                   input.progress(static_cast<double>(first + batch.size()) / n);
                 });
  return {torch::cat(all), labels.empty() ? Tensor() : torch::cat(labels), classifier.method(),
          nullptr};
}

/// Classes as the numbers that their names are, NaN where none is known and -1 is a name; their
/// places where a name is a word.
Tensor values_of(const Tensor& classes, const std::vector<std::string>& names) {
  const auto values = class_values(names);
  auto out = classes.to(torch::kFloat32).contiguous();
  if (!values) return out;
  const bool minus = std::find(names.begin(), names.end(), "-1") != names.end();
  auto* value = out.data_ptr<float>();
  for (int64_t i = 0; i < out.numel(); ++i) {
    value[i] = value[i] >= 0 ? static_cast<float>((*values)[static_cast<size_t>(value[i])])
               : minus       ? std::numeric_limits<float>::quiet_NaN()
                             : -1.0f;
  }
  return out;
}

/// Wilson's 95 % interval of a share.
Json interval(double share, double n) {
  constexpr double kZ = 1.959964;
  const double z2 = kZ * kZ / n, middle = (share + z2 / 2) / (1 + z2);
  const double half = kZ / (1 + z2) * std::sqrt(share * (1 - share) / n + z2 / (4 * n));
  return {middle - half, middle + half};
}

/// Mean gap of confidence and accuracy over bins of equal width (Guo et al. 2017,
/// arXiv:1706.04599).
double calibration_error(const Tensor& confidence, const Tensor& right, int64_t bins) {
  const auto bin = (confidence * bins).floor().clamp(0, bins - 1).to(torch::kInt64);
  const auto gap = (confidence - right.to(torch::kFloat32)).to(torch::kFloat64);
  const auto sums = torch::zeros({bins}, torch::kFloat64).index_add_(0, bin, gap);
  return sums.abs().sum().item<double>() / static_cast<double>(confidence.numel());
}

Json judged(const Tensor& p, const Tensor& y, int64_t bins) {
  const auto known = (y >= 0).nonzero().flatten();
  const auto n = static_cast<double>(known.size(0));
  if (n == 0) return {};
  const auto label = y.index_select(0, known);
  const auto probabilities = p.index_select(0, known);
  const auto [confidence, guess] = probabilities.max(1);
  const auto right = guess == label;
  const double error = 1 - right.to(torch::kFloat64).mean().item<double>();
  const auto log_loss =
      -probabilities.gather(1, label.unsqueeze(1)).clamp_min(1e-12).log().mean().item<double>();
  return {{"labelled_rows", known.size(0)},
          {"error", error},
          {"error_interval_95", interval(error, n)},
          {"log_loss", log_loss},
          {"calibration_error", calibration_error(confidence, right, bins)}};
}

class Classify : public Task {
 public:
  explicit Classify(ClassifyOptions options) : o_(std::move(options)) {}

  Json run(const TaskInput& input) override {
    torch::NoGradGuard no_gradient;
    RandomScope scope(static_cast<uint64_t>(o_.seed));
    const Draw draw{static_cast<uint64_t>(o_.seed), 0};
    const auto rows = open_task_rows(input, o_.choice);
    // The run's own training rows need no second place in the graph.
    const bool own_rows = input.data.empty() && o_.choice.split == "train" && o_.choice.rows == 0 &&
                          o_.choice.shard.empty();
    const bool named = o_.method == "spread" || o_.method == "forest";
    const bool choose = o_.method == "auto" && may_choose(input, *rows.data, draw);
    const CarryOptions carry{o_.neighbours, o_.views, o_.method};
    const auto [p, y, method, chosen] =
        named || choose ? carry_labels(input, rows, own_rows, carry, draw)
                        : infer_classes(input, rows, o_.method == "logistic", o_.views, draw);
    const int64_t n = p.size(0);
    Json result{{"data", rows.name}, {"rows", n}, {"method", method}};
    if (!chosen.is_null()) result["wrong_of_labelled_training_rows"] = chosen;
    if (y.defined()) result.update(judged(p, y, o_.bins));
    const auto classes = surest(p, o_.share);
    if (o_.share < 1) result["classified"] = (classes >= 0).sum().item<int64_t>();
    const auto path = output_path(input, "classes.csv");
    RowPlan plan{n, {p.size(1) + 1}, false, {"class"}};
    const auto names = class_names(input.run->schemas().y);
    const bool known = static_cast<int64_t>(names.size()) == p.size(1);
    if (known) plan.classes = names;
    for (int64_t k = 0; k < p.size(1); ++k) {
      plan.columns.push_back("p_" + (known ? names[static_cast<size_t>(k)] : std::to_string(k)));
    }
    plan.row_name = [&](int64_t row) { return rows.data->row_name(row); };
    const auto file = create_row_file(path, std::move(plan));
    const bool numbers = path.ends_with(".npy") && known;
    const auto first = numbers ? values_of(classes, names) : classes.to(torch::kFloat32);
    file->append(torch::cat({first.unsqueeze(1), p}, 1));
    file->commit();
    if (numbers && !class_values(names))
      result["classes"] = names;  // the column holds their places
    result["file"] = path;
    tell_unseen(*rows.data, result);
    return result;
  }

  std::string data() const override { return "may"; }
  std::string example() const override { return "elbo classify RUN DATA -o classes.csv"; }

 private:
  /// Whether there are several ways to choose from: views of rows that are not here cannot be made,
  /// and the time of a graph grows with the square of the rows.
  bool may_choose(const TaskInput& input, const Dataset& rows, const Draw& draw) const {
    constexpr int64_t kMostRows = 50000;
    return rows.size() <= kMostRows && !infers_classes(*input.model, rows, draw) &&
           has_few_labels(input) && (o_.views == 0 || input.run->data_here());
  }

  ClassifyOptions o_;
};

const bool classify_added = tasks().add<ClassifyOptions>(
    "classify", "Probabilities of classes, and the error where labels are known",
    [](ClassifyOptions options) { return std::make_shared<Classify>(std::move(options)); });

}  // namespace
}  // namespace elbo
