#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "elbo/eval/row_score.h"
#include "elbo/model/levels.h"
#include "elbo/serve/row_json.h"
#include "elbo/train/run.h"

namespace elbo {

/// A trained model as questions and answers in JSON: what the page and the API talk to. Any number
/// of threads may ask. A question that makes no sense is an Error.
class Explorer {
 public:
  Explorer(std::shared_ptr<const Run> run, std::shared_ptr<Model> model);

  /// What the model is, its most used dimensions, the directions between classes, and the map:
  /// held-out rows in the plane of their codes' two principal axes.
  const Json& info() const { return info_; }
  /// What a server adds: names of the rows on the map, and values of their columns to colour by.
  Json rows_info() const;
  /// {"codes": [[…]], "condition": "7"} -> {"rows": […]}. A row is a picture (data:image/png), an
  /// object of named cells, or numbers. With "moved": 3, the place of a number that was changed,
  /// the levels below it follow, and "codes" are those that were decoded.
  Json decode(const Json& question);
  /// {"n": 16, "temperature": 1, "condition": …} -> {"codes": [[…]], "rows": […]}: draws of the
  /// prior, drawn towards its centre where the temperature is below 1.
  Json sample(const Json& question);
  /// A row {"row": [numbers] or {column: value}, "condition": …}, or the bytes of a picture ->
  /// {"code", "deviation", "data", "reconstruction", "nats": importance-sampled -log p(x)}, and
  /// "p_value" where the run keeps scores of normal rows: the share of them as unusual or more.
  Json encode(const Json& question);
  Json encode_picture(std::string_view bytes, const std::string& condition);
  /// {"code": […], "n": 6} -> {"places", "names", "distances", "rows"}: rows of the map whose codes
  /// are nearest, in the deviations of the codes.
  Json near(const Json& question);
  /// {"kind": "t-SNE" or "UMAP"} -> {"points": [[x, y], …]}: the first rows of the map, neighbours
  /// beside each other.
  Json layout(const Json& question);
  /// {"place": 7} -> a row of the map by its place there, as encode() answers, with its "name".
  Json open(const Json& question);
  /// {"shape", "values"}: what the model is told under a condition of this name.
  Json condition(const std::string& name) const;
  /// The mean of the prior's draws, which `sample` draws towards.
  Json centre() const;

 private:
  Json judge(const Batch& batch);
  Tensor prior_draws(int64_t n, const Tensor& c) const;
  Tensor condition_of(const Json& question, int64_t n) const;
  Tensor looks();
  void recall_scores();

  std::shared_ptr<const Run> run_;
  std::shared_ptr<Model> model_;
  RowView view_;
  CodeLayout layout_;
  std::optional<Levels> levels_;
  Json info_;
  Data rows_;                          // of the map
  Codes codes_;                        // of these
  Tensor whole_;                       // [D] layout_.whole()
  Tensor looks_;                       // [N, F]; undefined where codes have places of their own
  std::unique_ptr<RowScorer> scorer_;  // null where the run keeps no scores
  Tensor centre_;                      // [D] mean of the prior's draws
  Tensor conditions_;  // [n, …] of the first rows; undefined where the model has none
  std::mutex one_at_a_time_, one_picture_at_a_time_;
};

}  // namespace elbo
