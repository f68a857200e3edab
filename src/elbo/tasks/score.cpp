#include <algorithm>
#include <cmath>
#include <iomanip>
#include <numeric>
#include <sstream>

#include "elbo/data/stream.h"
#include "elbo/eval/drift.h"
#include "elbo/eval/range_surface.h"
#include "elbo/eval/ranking.h"
#include "elbo/group/row_draws.h"
#include "elbo/io/image.h"
#include "elbo/tasks/normal_class.h"
#include "elbo/tasks/output.h"
#include "elbo/tasks/rows.h"
#include "elbo/tasks/score_drift.h"
#include "elbo/tasks/score_picture.h"
#include "elbo/tasks/score_reference.h"
#include "elbo/tasks/score_report.h"
#include "elbo/tasks/smooth.h"

namespace elbo {
namespace {

constexpr int64_t kRangeBuffer = 100;  // rows about a range of anomalies, as in TSB-AD

struct ScoreOptions {
  RowChoice choice;
  RowScoreOptions score;
  ThresholdOptions threshold;
  std::string normal, normal_class, anomalies;
  bool strict = false, adapt = false;
  int64_t smooth = 1;
  int64_t causes = 3;
  int64_t show = 5;
  template <class F>
  void fields(F&& f) {
    choice.fields(f);
    score.fields(f);
    threshold.fields(f);
    f("normal", normal,
      "DATA of normal rows to learn the threshold from (default: the run's validation rows)");
    f("normal_class", normal_class,
      "class of labelled data that is normal, e.g. BENIGN (default: the class of nearly all "
      "training "
      "rows, or the only one with a usual name)");
    f("anomalies", anomalies,
      "classes of labelled data that are anomalies, e.g. 3,7 (default: all but the normal one)");
    f("strict", strict,
      "tables: refuse cells that training has not seen (a new word, a negative count) instead of "
      "raising an alarm for their rows");
    f("adapt", adapt,
      "move the threshold to where most of these rows lie: for data that have drifted since "
      "training");
    f("smooth", smooth, "smooth scores of time-ordered rows: trailing mean over this many rows",
      between(1, 1000000));
    f("causes", causes, "number of columns or pixels named for each alarm", between(0, 1000));
    f("show", show, "number of rows shown, those with the highest scores", between(0, 1000));
  }
};

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

class Score : public Task {
 public:
  explicit Score(ScoreOptions options) : o_(std::move(options)) {}

  Json run(const TaskInput& input) override {
    RandomScope scope(static_cast<uint64_t>(o_.score.seed));
    if (input.data == "-") return follow(input);
    if (input.data.empty() && !input.run->has_rows()) input.run->lack_data();
    check_verdict_file(out_path(input));
    const auto rows = open_task_rows(input, o_.choice, odd());
    auto usual = prepare(input, [&](double done) { input.progress(0.2 * done); });
    usual.scorer->expect_seen(are_training_rows(*rows.data, *input.run, *input.model));
    if (o_.adapt) adapt(usual, *rows.data);
    const auto normal =
        find_normal_class(*input.run, rows.data->schemas().y, o_.normal_class, o_.anomalies);
    auto verdicts = judge(input, rows, usual, normal.anomalous);
    Json result{
        {"file", verdicts.path},
        {"data", rows.name},
        {"rows", rows.data->size()},
        {"score", usual.scorer->kind()},
        {"normal_rows", {{"from", usual.normal.name}, {"count", usual.normal.count}}},
        {"threshold", {{"method", usual.threshold.method}, {"value", usual.threshold.value}}},
        {"alarms", verdicts.alarms}};
    auto notes = rows.data->schemas().x.notes();
    const auto moved =
        verdicts.drift->note({verdicts.scores, verdicts.labels}, usual.reference, usual.threshold);
    if (!moved.empty()) notes.push_back(moved);
    if (!notes.empty()) result["notes"] = notes;
    result["highest"] = highest(*rows.data, usual, verdicts);
    if (is_score_picture(verdicts.path)) draw_picture(*rows.data, usual, verdicts);
    if (verdicts.odd > 0) {
      result["unseen"] = {{"cells", verdicts.odd}, {"first", verdicts.first_odd}};
    }
    if (!normal.name.empty())
      result["normal_class"] = {{"name", normal.name}, {"from", normal.why}};
    if (!normal.why.empty() && normal.anomalous.empty()) result["not_judged"] = normal.why;
    add_judgement(result, verdicts, usual.threshold.value);
    return result;
  }

  std::string data() const override { return "may"; }
  bool may_round() const override { return true; }
  std::string example() const override { return "elbo score RUN new.csv -o scores.csv"; }

 private:
  /// What is judged by: a scorer that has seen normal rows, and what these score.
  struct Usual {
    NormalRows normal;
    std::unique_ptr<RowScorer> scorer;
    Tensor reference;  // [R] scores of normal rows
    Threshold threshold;
    ColumnLevels levels;  // of the columns of training rows; empty where the run keeps none
  };
  struct Verdicts {
    std::string path;
    int64_t alarms = 0;
    std::vector<double> scores, p_values;
    std::unique_ptr<DriftWatch> drift;
    std::vector<int64_t> labels;
    int64_t odd = 0;  // cells that the model cannot read
    std::string first_odd;
  };

  Usual prepare(const TaskInput& input, const std::function<void(double)>& progress) const {
    Usual usual;
    usual.scorer = std::make_unique<RowScorer>(input.model, input.run->schemas(), o_.score);
    const auto kept = o_.normal.empty() ? kept_scores(*input.run, o_.score) : nullptr;
    if (kept) {
      const Json how = kept->about["score"];
      usual.normal = {nullptr, how.value("from", std::string("validation rows")),
                      kept->scores.size(0)};
      usual.scorer->recall({kept->scores, kept->usual});
      if (kept->levels.defined()) {
        usual.levels = ColumnLevels::unpacked(kept->levels, numel(input.run->schemas().x.shape));
      }
    } else {
      usual.normal = normal_rows(input, o_.normal);
      usual.scorer->calibrate(*usual.normal.rows, progress);
    }
    usual.reference = usual_scores(*usual.scorer);
    usual.threshold = choose_threshold(usual.reference, o_.threshold);
    return usual;
  }

  /// The threshold where most of these rows say that it is.
  void adapt(Usual& usual, const Dataset& data) const {
    const auto scores = Smooth(o_.smooth)(usual.scorer->scores(rows_over_all(data, draw())));
    auto& threshold = usual.threshold;
    threshold = {threshold.method + ", adapted",
                 adapted_level(threshold.value, scores, usual.reference), 1, true};
  }

  /// Scores of normal rows, but for the first, whose means are of too few.
  Tensor usual_scores(const RowScorer& scorer) const {
    const auto all = Smooth(o_.smooth)(scorer.reference());
    check(all.size(0) >= o_.smooth, "[score] smooth: a mean over ", o_.smooth,
          " rows needs as many ", "normal ones, found ", all.size(0));
    return all.narrow(0, o_.smooth - 1, all.size(0) - o_.smooth + 1);
  }

  /// Standard input row by row: a line of JSON for each, as soon as it is there.
  Json follow(const TaskInput& input) const {
    check(input.say != nullptr && input.out.empty(),
          "[score] standard input: verdicts go to standard output, not to a file");
    const auto usual = prepare(input, input.progress);
    const auto& scorer = *usual.scorer;
    const auto names = components_of(input.run->schemas().x);
    const Json& options = input.run->facts()["data"]["options"];
    const auto stream =
        open_stream("-", input.run->schemas(), options.value("reader", Json::object()), odd());
    Smooth smooth(o_.smooth);
    while (stream->next()) {
      const auto batch = stream->batch();
      const ReportedRow source{stream->odd_cells(), odd_excess(usual),
                               [&](int64_t at) { return stream->cell_text(at); }};
      auto raw = scorer.scores(batch);
      if (!source.odd.empty()) raw[0] = odd_score(raw.item<double>(), source.odd.size(), usual);
      const auto scores = smooth(raw);
      RowVerdict verdict{stream->name(), scores.item<double>(), 1, false, -1, {}};
      verdict.p_value = conformal_p_values(scores, usual.reference).item<double>();
      verdict.alarm = verdict.score > usual.threshold.value;
      if (verdict.alarm && o_.causes > 0) {
        verdict.causes =
            strongest_causes(*names, batch.x, scorer.causes(batch), 0, o_.causes, source);
      }
      input.say(to_json(verdict).dump());
    }
    return nullptr;
  }

  /// What a cell that training has not seen brings: that none of so many rows had it.
  static double odd_excess(const Usual& usual) {
    return std::log1p(static_cast<double>(usual.normal.count));
  }
  /// Of a row with such cells: beyond every normal row's.
  static double odd_score(double score, size_t odd, const Usual& usual) {
    const double most = usual.scorer->reference().max().item<double>();
    const double bound = std::isfinite(usual.threshold.value) ? usual.threshold.value : most;
    return std::max({score, most, bound}) + odd_excess(usual) * static_cast<double>(odd);
  }
  static std::string out_path(const TaskInput& input) { return output_path(input, "scores.csv"); }

  /// Of one row, by noise of its own: they do not depend on which others are alarms.
  RowScorer::Causes causes_of(const RowScorer& scorer, const Batch& row, int64_t place) const {
    const WholeDraws draws;
    const RandomScope scope(Draw{draw().seed, static_cast<uint64_t>(place)}.key("causes"));
    return scorer.causes(row);
  }

  Verdicts judge(const TaskInput& input, const TaskRows& rows, const Usual& usual,
                 const std::vector<bool>& anomalous) const {
    const auto& scorer = *usual.scorer;
    const auto& data = *rows.data;
    Verdicts all;
    all.path = out_path(input);
    const int64_t n = data.size();
    const bool labels = !anomalous.empty();
    const auto file = create_verdict_file(all.path, n, o_.causes, labels);
    const auto names = components_of(input.run->schemas().x);
    Smooth smooth(o_.smooth);
    all.drift = std::make_unique<DriftWatch>(data, scorer, usual.levels, draw());
    const double threshold = usual.threshold.value;
    for_each_placed_batch(rows, scorer.block(), draw(), [&](const Batch& batch, int64_t first) {
      const auto judged = scorer.judge(batch);
      auto raw = judged.scores.contiguous();
      all.drift->add(batch, judged, first);
      for (int64_t i = 0; i < batch.size(); ++i) {
        const auto odd = data.odd_cells(first + i);
        if (odd.empty()) continue;
        if (all.odd == 0) {
          all.first_odd = data.row_name(first + i) + ", " + odd[0].name + " = " + odd[0].text;
        }
        all.odd += static_cast<int64_t>(odd.size());
        auto& score = raw.data_ptr<double>()[i];
        score = odd_score(score, odd.size(), usual);
      }
      const auto scores = smooth(raw).contiguous();
      const auto p = conformal_p_values(scores, usual.reference);
      const auto truth = labels_of(batch, anomalous);
      const double* score = scores.data_ptr<double>();
      const double* p_value = p.data_ptr<double>();
      for (int64_t i = 0; i < batch.size(); ++i) {
        RowVerdict verdict{
            data.row_name(first + i),      score[i], p_value[i], score[i] > threshold,
            truth[static_cast<size_t>(i)], {}};
        if (verdict.alarm && file->tells_causes()) {
          const auto row = slice(batch, i, i + 1);
          const auto causes = causes_of(scorer, row, rows.first + first + i);
          verdict.causes = strongest_causes(*names, row.x, causes, 0, o_.causes,
                                            source_of(data, first + i, usual));
        }
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

  static ReportedRow source_of(const Dataset& data, int64_t row, const Usual& usual) {
    return {data.odd_cells(row), odd_excess(usual),
            [&data, row](int64_t at) { return data.cell_text(row, at); }};
  }

  /// Pictures: the most unusual ones, and where they are so. Other rows: their scores in order.
  void draw_picture(const Dataset& data, const Usual& usual, const Verdicts& all) const {
    const auto view = view_of(data.schemas().x);
    if (const auto* pictures = std::get_if<PictureView>(&view)) {
      constexpr int64_t kLeast = 5;
      const auto order = highest_rows(all, std::max(kLeast, o_.show));
      const auto batch = data.get(torch::tensor(order, torch::kInt64), draw());
      std::vector<std::string> names;
      for (const auto row : order) {
        std::ostringstream p;
        p << "p " << std::setprecision(2) << all.p_values[static_cast<size_t>(row)];
        names.push_back(p.str());
      }
      write_png(all.path, unusual_pictures(*pictures, batch.x, usual.scorer->causes(batch), names));
      return;
    }
    std::vector<std::string> names;
    for (const int64_t row : {int64_t{0}, data.size() - 1}) names.push_back(data.row_name(row));
    write_png(all.path, score_plot(all.scores, usual.threshold.value, names));
  }

  static std::vector<int64_t> highest_rows(const Verdicts& all, int64_t most) {
    std::vector<int64_t> order(all.scores.size());
    std::iota(order.begin(), order.end(), int64_t{0});
    const auto count = std::min<size_t>(static_cast<size_t>(most), order.size());
    std::partial_sort(order.begin(), order.begin() + static_cast<int64_t>(count), order.end(),
                      [&](int64_t a, int64_t b) {
                        return all.scores[static_cast<size_t>(a)] >
                               all.scores[static_cast<size_t>(b)];
                      });
    order.resize(count);
    return order;
  }

  /// The rows with the highest scores, with what made them so.
  Json highest(const Dataset& data, const Usual& usual, const Verdicts& all) const {
    const auto& scorer = *usual.scorer;
    const auto order = highest_rows(all, o_.show);
    const auto count = order.size();
    Json list = Json::array();
    if (count == 0) return list;
    const auto batch = data.get(torch::tensor(order, torch::kInt64), draw());
    const auto causes = scorer.causes(batch);
    const auto names = components_of(data.schemas().x);
    for (size_t i = 0; i < count; ++i) {
      const auto row = static_cast<size_t>(order[i]);
      std::vector<std::string> because;
      const auto strongest = strongest_causes(*names, batch.x, causes, static_cast<int64_t>(i),
                                              o_.causes, source_of(data, order[i], usual));
      for (const auto& cause : strongest) {
        const auto instead = cause.expected.empty() ? "" : " (expected " + cause.expected + ")";
        because.push_back(cause.name + " = " + cause.value + instead);
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
    const auto judged = torch::tensor(scores, torch::kFloat64), known = torch::tensor(labels);
    const auto surface = range_surface(judged, known, kRangeBuffer);
    result["range_surfaces"] = {
        {"vus_pr", surface.pr}, {"vus_roc", surface.roc}, {"buffer", kRangeBuffer}};
    result["judged"] = judge_scores(judged, known, threshold);
  }

  OddCells odd() const { return o_.strict ? OddCells::kRefused : OddCells::kQuoted; }
  Draw draw() const { return {static_cast<uint64_t>(o_.score.seed), 0}; }

  ScoreOptions o_;
};

const bool score_added = tasks().add<ScoreOptions>(
    "score", "Anomaly score of each row, with a threshold and the causes",
    [](ScoreOptions options) { return std::make_shared<Score>(std::move(options)); });

}  // namespace
}  // namespace elbo
