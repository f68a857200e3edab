#include <algorithm>
#include <numeric>

#include "elbo/eval/ranking.h"
#include "elbo/tasks/rows.h"
#include "elbo/tasks/score_report.h"

namespace elbo {
namespace {

struct ScoreOptions {
  RowChoice choice;
  RowScoreOptions score;
  ThresholdOptions threshold;
  std::string normal, anomalies;
  int64_t causes = 3;
  int64_t show = 5;
  template <class F>
  void fields(F&& f) {
    choice.fields(f);
    score.fields(f);
    threshold.fields(f);
    f("normal", normal,
      "DATA of normal rows to learn the threshold from; default: the run's "
      "validation rows");
    f("anomalies", anomalies,
      "classes of labelled data that are anomalies, as 3,7; default: the second of two");
    f("causes", causes, "columns or pixels named for each alarm", between(0, 1000));
    f("show", show, "how many of the highest rows the result names", between(0, 1000));
  }
};

struct NormalRows {
  Data training, reference;
  std::string name;
};

NormalRows normal_rows(const TaskInput& input, const std::string& given) {
  const auto& run = *input.run;
  const auto options = run.train_options();
  const auto split = run.data_options("train").split;
  const Json& stored = run.facts()["data"]["options"];
  auto [training, validation] = split_validation(run.open_data(stored.value("split", split)),
                                                 options.validation, options.seed);
  if (!given.empty()) return {training, run.open_other(given, "all"), given};
  if (validation) return {training, validation, "validation rows"};
  return {training, training, "training rows (no validation rows were held out)"};
}

/// Which classes of a label are anomalies; empty where nobody can tell.
std::vector<bool> anomalous_classes(const Schema& y, const std::string& named) {
  std::vector<std::string> classes;
  for (const auto& c : y.detail.value("classes", Json::array())) {
    classes.push_back(c.is_string() ? c.get<std::string>() : c.dump());
  }
  std::vector<bool> anomalous(classes.size(), false);
  if (named.empty()) {
    if (classes.size() != 2) return {};
    anomalous[1] = true;
    return anomalous;
  }
  std::stringstream words(named);
  for (std::string word; std::getline(words, word, ',');) {
    const auto at = std::find(classes.begin(), classes.end(), word);
    check(at != classes.end(), "[score] anomalies: unknown class \"", word,
          "\"; known: ", classes.empty() ? "none, the data have no labels" : join(classes));
    anomalous[static_cast<size_t>(at - classes.begin())] = true;
  }
  return anomalous;
}

/// [B] 1 = anomaly, 0 = normal, -1 = unknown.
std::vector<int64_t> labels_of(const Batch& batch, const std::vector<bool>& anomalous) {
  std::vector<int64_t> labels(static_cast<size_t>(batch.size()), -1);
  if (!batch.y.defined() || anomalous.empty()) return labels;
  const auto y = batch.y.to(torch::kCPU, torch::kInt64).contiguous();
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto k = y.data_ptr<int64_t>()[i];
    const bool known = k >= 0 && k < static_cast<int64_t>(anomalous.size());
    if (known) labels[i] = anomalous[static_cast<size_t>(k)];
  }
  return labels;
}

Batch rows_of(const Batch& batch, const Tensor& rows) {
  const auto pick = [&](const Tensor& t) { return t.defined() ? t.index_select(0, rows) : t; };
  return {pick(batch.x), pick(batch.mask), pick(batch.c), pick(batch.y)};
}

class Score : public Task {
 public:
  explicit Score(ScoreOptions options) : o_(std::move(options)) {}

  Json run(const TaskInput& input) override {
    RandomScope scope(static_cast<uint64_t>(o_.score.seed));
    const auto rows = open_task_rows(input, o_.choice);
    const auto normal = normal_rows(input, o_.normal);
    RowScorer scorer(input.model, input.run->schemas(), o_.score);
    scorer.calibrate(*normal.training, *normal.reference,
                     [&](double done) { input.progress(0.2 * done); });
    const auto threshold = choose_threshold(scorer.reference(), o_.threshold);
    const auto anomalous = anomalous_classes(rows.data->schemas().y, o_.anomalies);
    auto verdicts = judge(input, *rows.data, scorer, threshold.value, anomalous);
    Json result{{"file", verdicts.path},
                {"data", rows.name},
                {"rows", rows.data->size()},
                {"score", o_.score.score},
                {"normal_rows", {{"from", normal.name}, {"count", normal.reference->size()}}},
                {"threshold", {{"method", threshold.method}, {"value", threshold.value}}},
                {"alarms", verdicts.alarms}};
    result["highest"] = highest(*rows.data, scorer, verdicts);
    add_judgement(result, verdicts, threshold.value);
    return result;
  }

  std::string data() const override { return "may"; }
  std::string example() const override { return "elbo score RUN new.csv -o scores.csv"; }

 private:
  struct Verdicts {
    std::string path;
    int64_t alarms = 0;
    std::vector<double> scores, p_values;
    std::vector<int64_t> labels;
  };

  Verdicts judge(const TaskInput& input, const Dataset& data, const RowScorer& scorer,
                 double threshold, const std::vector<bool>& anomalous) const {
    Verdicts all;
    all.path = input.out.empty() ? "scores.csv" : input.out.string();
    const int64_t n = data.size();
    const bool labels = !anomalous.empty();
    const auto file = create_verdict_file(all.path, n, o_.causes, labels);
    const ComponentNames names(input.run->schemas().x);
    for_each_batch(data, scorer.block(), draw(), [&](const Batch& batch, int64_t first) {
      const auto scores = scorer.scores(batch);
      const auto p = conformal_p_values(scores, scorer.reference());
      const auto truth = labels_of(batch, anomalous);
      const auto high = (scores > threshold).nonzero().flatten();
      const auto alarmed = rows_of(batch, high);
      RowScorer::Causes causes;
      if (o_.causes > 0 && high.numel() > 0) causes = scorer.causes(alarmed);
      int64_t place = 0;  // among the alarms of this block
      for (int64_t i = 0; i < batch.size(); ++i) {
        RowVerdict verdict{data.row_name(first + i),      scores[i].item<double>(),
                           p[i].item<double>(),           false,
                           truth[static_cast<size_t>(i)], {}};
        verdict.alarm = verdict.score > threshold;
        if (verdict.alarm && causes.excess.defined()) {
          verdict.causes = strongest_causes(names, alarmed.x, causes, place, o_.causes);
        }
        place += verdict.alarm;
        all.alarms += verdict.alarm;
        all.scores.push_back(verdict.score);
        all.p_values.push_back(verdict.p_value);
        all.labels.push_back(verdict.label);
        file->append(verdict);
      }
      input.progress(0.2 +
                     0.8 * static_cast<double>(first + batch.size()) / static_cast<double>(n));
    });
    file->commit();
    return all;
  }

  /// The rows with the highest scores, with what made them so.
  Json highest(const Dataset& data, const RowScorer& scorer, const Verdicts& all) const {
    std::vector<int64_t> order(all.scores.size());
    std::iota(order.begin(), order.end(), int64_t{0});
    const auto count = std::min<size_t>(static_cast<size_t>(o_.show), order.size());
    std::partial_sort(order.begin(), order.begin() + static_cast<int64_t>(count), order.end(),
                      [&](int64_t a, int64_t b) {
                        return all.scores[static_cast<size_t>(a)] >
                               all.scores[static_cast<size_t>(b)];
                      });
    order.resize(count);
    Json list = Json::array();
    if (count == 0) return list;
    const auto batch = data.get(torch::tensor(order, torch::kInt64), draw());
    const auto causes = scorer.causes(batch);
    const ComponentNames names(data.schemas().x);
    for (size_t i = 0; i < count; ++i) {
      const auto row = static_cast<size_t>(order[i]);
      std::vector<std::string> because;
      const auto strongest =
          strongest_causes(names, batch.x, causes, static_cast<int64_t>(i), o_.causes);
      for (const auto& cause : strongest) {
        because.push_back(cause.name + " = " + cause.value + " (expected " + cause.expected + ")");
      }
      list.push_back({{"name", data.row_name(order[i])},
                      {"score", all.scores[row]},
                      {"p_value", all.p_values[row]},
                      {"because", join(because, ", ")}});
    }
    return list;
  }

  static void add_judgement(Json& result, const Verdicts& all, double threshold) {
    std::vector<double> scores;
    std::vector<int64_t> labels;
    for (size_t i = 0; i < all.labels.size(); ++i) {
      if (all.labels[i] < 0) continue;
      scores.push_back(all.scores[i]);
      labels.push_back(all.labels[i]);
    }
    const auto anomalies = std::count(labels.begin(), labels.end(), 1);
    if (anomalies == 0 || anomalies == static_cast<int64_t>(labels.size())) return;
    result["anomalies"] = anomalies;
    result["judged"] =
        judge_scores(torch::tensor(scores, torch::kFloat64), torch::tensor(labels), threshold);
  }

  Draw draw() const { return {static_cast<uint64_t>(o_.score.seed), 0}; }

  ScoreOptions o_;
};

const bool added = tasks().add<ScoreOptions>(
    "score", "Anomaly score of each row, with a threshold and what caused it",
    [](ScoreOptions options) { return std::make_shared<Score>(std::move(options)); });

}  // namespace
}  // namespace elbo
