#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "elbo/distributions/chain_steps.h"
#include "elbo/model/codes.h"
#include "elbo/model/objective.h"
#include "elbo/objectives/feature_space.h"
#include "elbo/train/run.h"

namespace elbo {

/// How metrics look at a model: a part of every result.
struct JudgeOptions {
  int64_t judged = 2000;
  std::string features = "pixels";
  double temperature = 1;
  std::string target, perceptual;
  int64_t sampling_steps = 0;
  int64_t seed = 0;  // that of the command
  template <class F>
  void fields(F&& f) {
    f("judged", judged, "most rows that the metrics read, and most samples that they draw",
      between(2, 1e6));
    f("features", features, "space in which distances of samples are measured",
      one_of({"pixels", "encoder", "classifier", "perceptual"}));
    f("perceptual", perceptual,
      "pictures: .safetensors file of the network of perceptual distances, such as LPIPS' "
      "written by python3 -m elbo_features (empty = learned from the run's training rows and "
      "kept in the run as perceptual.safetensors)");
    f("sampling_steps", sampling_steps, kSamplingStepsHelp, between(0, 10000));
    f("temperature", temperature,
      "sampling temperature of molecules; below 1 favours likely tokens (0 = the likeliest)",
      between(0, 10));
    f("target", target,
      "column that table_mle predicts (empty = the label that rows are drawn for, else the last "
      "column of 2 to 40 classes, else the last number)");
  }
};

/// Rows in some space of features, with the name that belongs to every figure made of them.
struct Features {
  std::string space;
  Tensor data, samples;  // [n, f]
};
/// As judged pictures, in [0, 1].
inline constexpr char kClamped[] = "0 to 1";

/// A trained model and the rows that it is judged by. What several metrics read is computed once,
/// when it is first asked for.
class Subject {
 public:
  Subject(std::shared_ptr<Model> model, std::shared_ptr<const Run> run, Data data,
          const JudgeOptions& options);

  Model& model() { return *model_; }
  const Run& run() const { return *run_; }
  const JudgeOptions& options() const { return options_; }
  const CodeLayout& layout() const { return layout_; }
  const Schemas& schemas() const { return run_->schemas(); }
  /// The judged rows.
  int64_t size() const { return batch_.size(); }
  const Batch& batch() const { return batch_; }
  /// [n, k] known factors as classes; undefined where there are none.
  const Tensor& factors() const { return factors_; }
  bool has_labels() const;

  /// Posterior means and deviations of the judged rows.
  const Codes& codes();
  /// [n, …] means of p(x | posterior mean).
  const Tensor& reconstructions();
  /// [n, …] from the prior: draws of p(x|z), or its means where x is a picture in shades; `shown`
  /// says which.
  const Tensor& samples();
  std::string shown() const;
  /// Judged rows and samples in the space that the options name.
  const Features& features();
  /// Judged rows and other rows of their kind, e.g. reconstructions, in the same space.
  Features features_of(const Tensor& rows);
  /// Features of perceptual distances: pictures only.
  const FeatureSpace& own_features();
  /// [n, …] means of p(x | z) halfway between the codes of neighbouring judged rows.
  Tensor halfway();
  /// Training rows, at most as many as are judged, and as many draws under their conditions.
  struct Pair {
    Batch training;
    Tensor samples;  // NaN where the model draws a missing cell
  };
  const Pair& pair();
  /// All rows that training saw.
  const Data& training();
  /// Training rows for readers of codes: as many as are judged.
  struct Known {
    Tensor codes, y;
  };
  const Known& known();
  /// What the run was trained by, with networks of its own that have learned nothing.
  std::shared_ptr<Objective> objective();
  /// Latent::usage() over the judged rows; null where the model has no codebook.
  const Json& code_use();

 private:
  /// f of blocks of `x`, joined.
  Tensor in_blocks(int64_t n, const std::function<Tensor(int64_t from, int64_t count)>& f) const;
  Tensor encoded(const Tensor& x);
  Tensor decoded(const Tensor& means);
  Tensor featured(const Tensor& x, std::string& space);
  /// [n, …] from the prior, under the conditions of `rows`.
  Tensor drawn(const Batch& rows, uint64_t seed, bool with_missing = false);

  std::shared_ptr<Model> model_;
  std::shared_ptr<const Run> run_;
  JudgeOptions options_;
  CodeLayout layout_;
  Batch batch_;
  Tensor factors_, reconstructions_, samples_;
  Codes codes_;
  Features features_;
  FeatureSpace own_features_;
  Known known_;
  Pair pair_;
  Data training_;
  std::optional<Json> code_use_;
};

/// One figure, or a few that belong together, about a trained model.
class Metric {
 public:
  virtual ~Metric() = default;
  /// What it needs that the subject lacks, as "labels"; empty = it can be measured.
  virtual std::string lacks(const Subject& subject) const = 0;
  /// Figures by name; "protocol" holds what else they depend on, "charts" what a report draws
  /// (eval/chart.h).
  virtual Json measure(Subject& subject) = 0;
};
Registry<Metric>& metrics();

/// A metric that is a function. needs: "pictures", "labels", "factors", "molecules", "table",
/// "texts", "real code".
std::shared_ptr<Metric> make_metric(std::vector<std::string> needs,
                                    std::function<Json(Subject&)> measure);

/// Raises an Error where a name between commas is unknown: before the work, not after it. "all" and
/// "none" are known.
void check_metrics(const std::string& names);
/// {"metrics": {NAME: figures}, "left_out": {NAME: reason}} for names between commas, or "all"
/// that can be measured. A named one that cannot is an Error.
Json measure(Subject& subject, const std::string& names,
             const std::function<void(double)>& progress);

}  // namespace elbo
