#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "elbo/core/api.h"
#include "elbo/model/model.h"

namespace ELBO_API elbo {

/// Rows as bits by what a model expects of them. What encode() gave, decode() reads on any machine,
/// all rows at once: both compute what every machine computes alike (exact/arithmetic.h).
class RowCode {
 public:
  virtual ~RowCode() = default;
  /// x and mask of the batch; raises an Error where a row holds what the model cannot give back.
  virtual std::vector<uint32_t> encode(const Batch& rows) = 0;
  /// The same x and mask (undefined where the data have none missing), `rows` of them. Raises an
  /// Error where the words are none that encode() made of so many rows.
  virtual Batch decode(std::vector<uint32_t> words, int64_t rows) = 0;
};

/// The one that suits the model: exact sums where its latent variables have them, else bits back
/// (Townsend et al. 2019, arXiv:1901.04866). Raises an Error naming what cannot be coded.
std::unique_ptr<RowCode> row_code(const std::shared_ptr<Model>& model, const Schemas& schemas);

}  // namespace elbo
