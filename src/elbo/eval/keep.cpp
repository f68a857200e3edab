#include "elbo/eval/keep.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "elbo/data/label_rows.h"
#include "elbo/data/row_view.h"
#include "elbo/data/windows.h"
#include "elbo/eval/cell_forest.h"
#include "elbo/eval/completion_check.h"
#include "elbo/eval/density.h"
#include "elbo/eval/diagnose.h"
#include "elbo/eval/drift.h"
#include "elbo/model/codes.h"
#include "elbo/model/keeps_rows.h"
#include "elbo/train/code_spread.h"
#include "elbo/train/usual.h"

namespace elbo {
namespace {

constexpr int64_t kMostFloats = int64_t{1} << 18;  // of each set of codes: a megabyte
constexpr int64_t kJudged = 500;

int64_t most_codes(const CodeLayout& layout) {
  return std::clamp<int64_t>(kMostFloats / std::max<int64_t>(1, layout.size), 64, 2000);
}

/// Scores of many rows cost as much as the training of a small model.
int64_t most_reference(const RowScorer& scorer, const Schemas& schemas) {
  const int64_t blocks = schemas.x.kind == Kind::kToken ? 16 : 64;
  return std::clamp<int64_t>(blocks * scorer.block(), 256, 16384);
}

/// Rows in the order of time stay neighbours: a running mean goes over them.
Data some_reference(const Data& validation, const Dataset& source, int64_t most) {
  const int64_t n = validation->size();
  if (n <= most) return validation;
  if (!dynamic_cast<const OrderedRows*>(&source)) {
    return some_rows(validation, most, Draw{}.key("reference"));
  }
  std::vector<int64_t> last(static_cast<size_t>(most));
  std::iota(last.begin(), last.end(), n - most);
  return subset(validation, std::move(last));
}

void keep_reference(Kept& kept, const Run& run, const std::shared_ptr<Model>& model,
                    const std::function<void(double)>& progress, const RowScoreOptions& options) {
  const auto [training, validation] = run.training_parts();
  const auto& normal = validation ? validation : training;
  const RowScorer scorer(model, run.schemas(), options);
  const auto rows =
      some_reference(normal, *run.training_data(), most_reference(scorer, run.schemas()));
  const auto learned = RowScorer::learn(model, run.schemas(), options, *rows, progress);
  kept.scores = learned.parts;
  kept.usual = learned.usual;
  kept.about["score"] = {{"draws", options.draws},
                         {"seed", options.seed},
                         {"of", normal->size()},
                         {"from", validation ? "validation rows"
                                             : "training rows (no validation rows were held out)"}};
}

/// Where the columns of training rows lie.
void keep_levels(Kept& kept, const Run& run) {
  constexpr int64_t kRows = 20000;
  if (!has_levels(*run.training_data())) return;
  const auto rows = some_rows(run.training_parts().first, kRows, Draw{}.key("levels"));
  kept.levels = ColumnLevels::of(cells_of(*rows, {})).packed();
}

/// The held-out rows of a run, opened when first asked for.
class HeldOut {
 public:
  explicit HeldOut(const Run& run) : run_(run) {}
  const Data& rows() {
    if (!rows_) rows_ = counted_rows(run_.held_out(&name_), Draw{}.key("weights"));
    return rows_;
  }
  const std::string& name() const { return name_; }

 private:
  const Run& run_;
  Data rows_;
  std::string name_;
};

void keep_codes(Kept& kept, const Run& run, HeldOut& held_out, Model& model, int64_t rows) {
  const auto layout = code_layout(model, run.schemas());
  const int64_t most = rows > 0 ? rows : most_codes(layout);
  const auto held = some_rows(held_out.rows(), most, Draw{}.key("kept"));
  kept.about["rows"] = held_out.name();
  const bool bytes = run.schemas().x.kind == Kind::kByte;
  std::vector<Tensor> codes, y, c, x, mask;
  const auto add = [](std::vector<Tensor>& list, const Tensor& part) {
    if (part.defined()) list.push_back(part);
  };
  for_each_batch(*held, block_rows(run.schemas()), {}, [&](const Batch& batch, int64_t) {
    codes.push_back(encode_batch(model, layout, batch).mean);
    add(y, batch.y);
    add(c, batch.c);
    if (rows == 0) return;
    x.push_back(bytes ? (batch.x * 255).round().to(torch::kUInt8) : batch.x);
    add(mask, batch.mask);
  });
  const auto joined = [](const std::vector<Tensor>& list) {
    return list.empty() ? Tensor() : torch::cat(list);
  };
  kept.codes = joined(codes);
  kept.y = joined(y);
  kept.c = joined(c);
  kept.x = joined(x);
  kept.mask = joined(mask);
  for (int64_t i = 0; rows > 0 && i < held->size(); ++i) kept.names.push_back(held->row_name(i));
}

/// Codes of labelled training rows, and trees on their cells where labels are few.
void keep_seen(Kept& kept, const Run& run, Model& model) {
  if (!run.schemas().y.present()) return;
  const auto layout = code_layout(model, run.schemas());
  const auto training = run.training_data();
  const auto y = labels_of(*training);
  if (!y.defined()) return;
  auto known = (y >= 0).nonzero().flatten();
  if (known.size(0) == 0) return;
  const bool few = labels_are_few(known.size(0), y.size(0));
  kept.about["labels"] = {{"known", known.size(0)}, {"rows", y.size(0)}};
  if (known.size(0) > most_codes(layout)) {
    const auto order = permutation(known.size(0), Draw{}.key("seen"));
    known = known.index_select(0, torch::tensor(order).narrow(0, 0, most_codes(layout)));
  }
  const auto* at = known.data_ptr<int64_t>();
  const auto labelled = subset(training, {at, at + known.size(0)});
  kept.seen = encode_all(model, layout, *labelled, {}).mean;
  kept.seen_y = y.index_select(0, known);
  if (!few || !are_cells(run.schemas().x)) return;
  const auto cells = cells_of(*labelled, {});
  const auto classes = class_count(run.schemas().y);
  kept.forest = forest_of_cells(cells, kept.seen_y, classes).nodes();
  const auto errors = errors_of_forest(cells, kept.seen_y, classes);
  kept.about["labels"]["wrong_by_forest"] = errors.wrong;
  kept.about["labels"]["doubt_of_forest"] = errors.doubt;
}

void keep_completion(Kept& kept, const Run& run, Model& model) {
  const auto& schemas = run.schemas();
  if (!TableView::shows(schemas.x) || schemas.c.present()) return;
  const auto [training, held_out] = run.training_parts();
  const auto found = check_completion(model, training, held_out, columns_of(schemas.x));
  kept.interval_levels = found.levels;
  kept.fills = found.fills;
}

/// Of held-out rows, by single draws; -log p(x) and its error come from the scores.
Json figures_of(const Kept& kept, const Run& run, HeldOut& held_out, Model& model) {
  const auto rows = some_rows(held_out.rows(), kJudged, Draw{}.key("figures"));
  EvaluateOptions options;
  options.draws = 0;
  Json figures = evaluate_density(model, *rows, options, [](double) {});
  figures["protocol"]["data"] = run.data_name();
  figures["protocol"]["split"] = held_out.name();
  if (kept.scores.defined()) {
    const auto each = kept.scores.select(1, 0);
    const auto n = static_cast<double>(each.size(0));
    figures["negative_log_likelihood"] = each.mean().item<double>();
    figures["negative_log_likelihood_standard_error"] =
        n > 1 ? each.std().item<double>() / std::sqrt(n) : 0.0;
    figures["protocol"]["negative_log_likelihood"] =
        std::to_string(each.size(0)) + " " + kept.about["score"]["from"].get<std::string>() + ", " +
        kept.about["score"]["draws"].dump() + " draws";
  }
  return figures;
}

Json findings_of(const Run& run, HeldOut& held_out, const std::shared_ptr<Model>& model) {
  JudgeOptions options;
  options.judged = kJudged;
  Subject subject(model, std::make_shared<Run>(run), held_out.rows(), options);
  Json list = Json::array();
  for (const auto& finding : diagnose(subject, read_log(run))) list.push_back(to_json(finding));
  return list;
}

}  // namespace

Kept gather_kept(const Run& run, const std::shared_ptr<Model>& model, int64_t rows,
                 const std::function<void(double)>& progress, const RowScoreOptions& reference) {
  if (!run.data_here()) run.lack_data();
  torch::NoGradGuard no_gradient;
  const RandomScope scope(0);
  model->eval();
  Kept kept;
  const auto attempt = [&](const std::function<void()>& part) {
    try {
      part();
    } catch (const Error& error) {
      kept.about["left_out"].push_back(error.what());
    }
  };
  HeldOut held_out(run);
  attempt([&] { kept.about["findings"] = findings_of(run, held_out, model); });
  attempt([&] { keep_codes(kept, run, held_out, *model, rows); });
  attempt([&] { keep_seen(kept, run, *model); });
  // Scores by many draws of large pictures would take longer than their training.
  const bool scored = !encodes_pictures(*model->latent);
  if (scored) attempt([&] { keep_reference(kept, run, model, progress, reference); });
  attempt([&] { keep_levels(kept, run); });
  attempt([&] { keep_completion(kept, run, *model); });
  attempt([&] { kept.about["figures"] = figures_of(kept, run, held_out, *model); });
  return kept;
}

Json keep_for_later(const Run& run, int64_t rows, const std::function<void(double)>& progress,
                    const std::function<void(const std::string&)>& say,
                    const RowScoreOptions& reference) {
  const auto model = run.load();
  if (const auto held = rows_kept_in(*model); held > 0) {
    say("the weights hold " + std::to_string(held) +
        " training rows: whoever gets the run gets these");
  }
  const auto kept = gather_kept(run, model, rows, progress, reference);
  try {
    run.keep(kept);
  } catch (const Error& error) {  // the model is trained and saved
    say(std::string("later commands will need the data: ") + error.what());
  }
  return kept.about.value("findings", Json::array());
}

}  // namespace elbo
