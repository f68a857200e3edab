#pragma once

#include <map>
#include <memory>
#include <string>

#include "elbo/core/api.h"
#include "elbo/model/model.h"

namespace ELBO_API elbo {

inline constexpr char kRefineHelp[] =
    "gradient steps by which each row's posterior is improved, from the encoder's (0 = none), e.g. "
    "100";

/// Posteriors of single rows: while one lives, infer() of this batch on this thread adds to what
/// each posterior reads of a row a correction of that row's own, which starts at 0 and follows the
/// gradient of the row's ELBO for so many steps (Kim et al. 2018, arXiv:1802.02550; Cremer et al.
/// 2018, arXiv:1801.03558). 0 steps: nothing changes.
class Refinement {
 public:
  /// Which corrections stay: those of rows whose ELBO has risen, which takes draws to see, or all.
  enum class Keep { kRisen, kAll };
  /// Raises an Error where the model's posteriors read nothing that could be corrected.
  Refinement(Model& model, const Batch& batch, int64_t steps, Keep keep = Keep::kRisen);
  ~Refinement();
  Refinement(const Refinement&) = delete;
  Refinement& operator=(const Refinement&) = delete;

  /// [B] ELBO with the encoder's posterior and with the row's own, by the same draws; undefined
  /// for 0 steps, and where all are kept.
  const Tensor& before() const { return before_; }
  const Tensor& after() const { return after_; }

 private:
  friend Tensor corrected(const std::string& site, const Tensor& h);

  void follow(Model& model, const Batch& batch, int64_t steps);
  void keep_risen(Model& model, const Batch& batch);

  Refinement* outer_ = nullptr;
  int64_t rows_ = 0;
  bool finds_ = false;                 // sites are still being found
  std::map<std::string, Tensor> own_;  // by site, [B, …]
  Tensor before_, after_;
};

/// What a posterior reads, h of S*B rows, with the corrections of the rows in whose Refinement this
/// thread is; h itself outside of one.
Tensor corrected(const std::string& site, const Tensor& h);

}  // namespace elbo
