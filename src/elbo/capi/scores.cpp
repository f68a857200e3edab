#include <algorithm>
#include <cmath>

#include "elbo/capi/given_data.h"
#include "elbo/capi/guard.h"
#include "elbo/group/row_draws.h"
#include "elbo/tasks/rows.h"
#include "elbo/tasks/score_reference.h"

namespace elbo::capi {
namespace {

struct ScoreWish {
  RowScoreOptions score;
  std::string noise = "shared", seen = "auto";
  bool strict = false;
  template <class F>
  void fields(F&& f) {
    score.fields(f);
    f("noise", noise,
      "draws of each row: shared (the same for all rows, so that a score does not depend on the "
      "others) or placed (by the row's place, as elbo score draws them)",
      one_of({"shared", "placed"}));
    f("seen", seen,
      "whether rows may be among those of the training, each of which is then judged by the "
      "others (auto = where the data are all of the training's)",
      one_of({"auto", "yes", "no"}));
    f("strict", strict,
      "tables: refuse cells that training has not seen instead of taking their rows for unusual");
  }
};

void learn_usual(RowScorer& scorer, const elbo_run& run, const RowScoreOptions& options) {
  if (const auto kept = kept_scores(*run.run, options)) {
    scorer.recall({kept->scores, kept->usual});
    return;
  }
  check(run.run->data_here(),
        "[score] ensemble: the run keeps no scores of normal rows to compare with, since its "
        "training did not come to its end, and its data are gone; ask for score likelihood");
  TaskInput input;
  input.run = run.run;
  scorer.calibrate(*normal_rows(input, "").rows, [](double) {});
}

/// A scorer for these options. What is usual is learned once.
RowScorer& scorer_of(elbo_run& run, const RowScoreOptions& options) {
  const auto text = write_options(options).dump();
  if (run.scorer && run.scorer_for == text) return *run.scorer;
  const auto scorer = std::make_shared<RowScorer>(run.model, run.run->schemas(), options);
  if (scorer->kind() == "ensemble") learn_usual(*scorer, run, options);
  run.scorer = scorer;
  run.scorer_for = text;
  return *scorer;
}

/// A row with cells that training has not seen is beyond every normal one, as elbo score has it.
void raise_odd_rows(const Dataset& rows, const Batch& batch, int64_t first, double* scores,
                    const std::function<const Tensor&()>& reference) {
  for (int64_t i = 0; i < batch.size(); ++i) {
    const auto odd = rows.odd_cells(first + i).size();
    if (odd == 0) continue;
    const auto& usual = reference();
    const double most = std::max(scores[i], usual.max().item<double>());
    scores[i] = most + static_cast<double>(odd) * std::log1p(static_cast<double>(usual.size(0)));
  }
}

/// Blocks of rows that all meet the same draws.
void for_each_shared_batch(const Dataset& rows, int64_t block, const Draw& draw,
                           const std::function<void(const Batch&, int64_t)>& f) {
  for_each_batch(rows, block, draw, [&](const Batch& batch, int64_t first) {
    const RandomScope same_in_all_blocks(draw.seed);
    const SharedDraws same_in_all_rows(batch.size());
    f(batch, first);
  });
}

void score_all(elbo_run& run, const elbo_data& data, const ScoreWish& wish, Calls& calls,
               double* out) {
  const RandomScope scope(static_cast<uint64_t>(wish.score.seed));
  const WithoutDenormals fast;
  const auto& model = model_of(run);
  auto& scorer = scorer_of(run, wish.score);
  const auto odd = wish.strict ? OddCells::kRefused : OddCells::kQuoted;
  const TaskRows rows{open_for(run, data, odd), "", 0};
  scorer.expect_seen(wish.seen == "yes" ||
                     (wish.seen == "auto" && are_training_rows(*rows.data, *run.run, model)));
  const Draw draw{static_cast<uint64_t>(wish.score.seed), 0};
  const auto n = static_cast<double>(rows.data->size());
  const auto progress = calls.progress();
  const auto usual = [&]() -> const Tensor& {
    if (!scorer.reference().defined()) learn_usual(scorer, run, wish.score);
    return scorer.reference();
  };
  const auto score = [&](const Batch& batch, int64_t first) {
    const auto scores = scorer.scores(batch).contiguous();
    std::copy_n(scores.data_ptr<double>(), batch.size(), out + first);
    raise_odd_rows(*rows.data, batch, first, out + first, usual);
    progress(static_cast<double>(first + batch.size()) / n);
  };
  if (wish.noise == "placed") {
    for_each_placed_batch(rows, scorer.block(), draw, score);
  } else {
    for_each_shared_batch(*rows.data, scorer.block(), draw, score);
  }
}

}  // namespace
}  // namespace elbo::capi

using namespace elbo::capi;

elbo_status elbo_score(elbo_run* run, const elbo_data* data, const char* options, double* scores,
                       const elbo_callbacks* callbacks) {
  return computing([&] {
    check_given(run, "elbo_score", "run");
    check_given(data, "elbo_score", "data");
    check_given(scores, "elbo_score", "scores");
    const auto wish = elbo::read_options<ScoreWish>(options_from(options, "elbo_score"), "score");
    Calls calls(callbacks);
    score_all(*run, *data, wish, calls, scores);
  });
}
