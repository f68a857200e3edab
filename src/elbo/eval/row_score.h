#pragma once

#include <memory>
#include <string>
#include <vector>

#include "elbo/model/model.h"
#include "elbo/model/refinement.h"

namespace elbo {

struct RowScoreOptions {
  std::string score = "auto";
  int64_t draws = 50;
  int64_t seed = 0, refine = 0;
  template <class F>
  void fields(F&& f) {
    f("score", score,
      "score: likelihood (importance-sampled -log p(x)), elbo (-ELBO), reconstruction (-E log p(x "
      "| z), An & Cho 2015), latent (KL of the code from the prior) or ensemble (of likelihood, "
      "reconstruction, latent and the densities beside the model, dominated by the most "
      "surprising); auto = ensemble where there are densities, else "
      "likelihood",
      one_of({"auto", "likelihood", "elbo", "reconstruction", "latent", "ensemble"}));
    f("draws", draws, "draws from the posterior per row", between(1, 1000000));
    f("seed", seed, "seed of the draws and of the binarization", at_least(0));
    f("refine", refine, kRefineHelp, between(0, 100000));
  }
};

/// How unusual a score is beside reference scores: -log of the share that is at least as high, with
/// an exponential tail over the highest tenth.
class Surprise {
 public:
  Surprise() = default;
  explicit Surprise(const Tensor& reference);
  Tensor operator()(const Tensor& scores) const;

 private:
  std::vector<double> sorted_;
  double level_ = 0, mean_excess_ = 1, tail_ = 1;
};

/// Anomaly scores of rows under a model in evaluation mode; higher is more anomalous.
class RowScorer {
 public:
  RowScorer(std::shared_ptr<Model> model, Schemas schemas, RowScoreOptions options);
  /// Learns from normal rows what is usual. `progress` sees shares from 0 to 1.
  void calibrate(const Dataset& reference, const std::function<void(double)>& progress);

  /// The score that is given: that of the options, or what auto stands for.
  const std::string& kind() const { return options_.score; }
  /// Whether from now on rows may be among those that the model was trained on.
  void expect_seen(bool seen) { seen_ = seen; }

  /// What calibrate() learns, to be kept: [R, 4 + densities] float64 parts of the scores of the
  /// reference rows, and [1, …] what each component usually brings.
  struct Reference {
    Tensor parts, usual;
  };
  /// The same for every kind of score at once.
  static Reference learn(std::shared_ptr<Model> model, const Schemas& schemas,
                         const RowScoreOptions& options, const Dataset& reference,
                         const std::function<void(double)>& progress);
  /// In place of calibrate().
  void recall(const Reference& reference);

  /// Scores [B] float64, and what each is made of, [B, parts].
  struct Judged {
    Tensor scores, parts;
  };
  /// Of an ensemble, once it is calibrated.
  Judged judge(const Batch& batch) const;
  Tensor scores(const Batch& batch) const { return judge(batch).scores; }
  /// [R] scores of the reference rows, and [R, parts] what each is made of.
  const Tensor& reference() const { return reference_; }
  Tensor reference_parts() const { return side_by_side(reference_parts_); }

  /// Why: for each column or pixel, how much of the row's surprise it brings beyond what it usually
  /// does (in nats where the likelihood splits), and what the model expects instead.
  struct Causes {
    Tensor excess, expected;  // [B, …] as x
  };
  Causes causes(const Batch& batch) const;
  /// Rows that fit into bounded memory.
  int64_t block() const;

 private:
  using Parts = std::vector<Tensor>;  // [B] float64 each; undefined = not wanted
  /// Whether a part counts for the score that is asked for.
  bool wants(size_t part) const;
  Parts parts(const Batch& batch) const;
  /// Those parts that count, [B, parts].
  Tensor side_by_side(const Parts& parts) const;
  Causes raw_causes(const Batch& batch) const;
  Tensor combine(const Parts& parts) const;
  /// The model's own ensemble, without its densities.
  Tensor of_model(const Parts& parts) const;
  /// Those of the model, then one for each density.
  size_t part_count() const;
  /// From reference_parts_: what is usual.
  void settle();

  std::shared_ptr<Model> model_;
  Schemas schemas_;
  RowScoreOptions options_;
  bool every_part_ = false, seen_ = false;
  Surprise of_model_;
  Parts reference_parts_;
  Tensor usual_;  // [1, …] mean contribution of each component
  std::vector<Surprise> surprise_;
  Tensor reference_;
};

}  // namespace elbo
