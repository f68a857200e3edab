#pragma once

#include "elbo/data/column.h"
#include "elbo/model/model.h"

namespace elbo {

/// What a cell is filled with: what the model expects, the middle of its draws, or a constant.
enum class Fill : int64_t { kMean, kMedian, kConstant };

/// How the absent cells of a table are filled.
struct CompletionPlan {
  int64_t particles = 100;  // draws of the latent variables for each row
  int64_t draws = 0;        // completions that are draws
  double interval = 0;      // mass of the intervals; 0 = none
  /// [3, D] Fill of each column, a constant, and the weight of the former where both are mixed;
  /// undefined = all kMean. Without the last row nothing is mixed.
  Tensor fills = {};
  int64_t refine = 0;  // steps by which each row's posterior is improved
};

/// What a model says about all cells of some rows, given those that the batch's mask shows.
struct Completion {
  Tensor value;      // [B, D] numbers as planned, median of grades, likeliest class
  Tensor median;     // [B, D] of hidden cells that were drawn; of others the value
  Tensor draws;      // [draws, B, D]
  Tensor low, high;  // [B, D] likewise, ends of the central interval; of classes without meaning
  Tensor level;      // [B, D] mass of the smallest central interval that holds a hidden truth
  Tensor effective;  // [B] effective number of particles
};

/// Effective draws below which a row is drawn for again with more particles, and counts as
/// uncertain.
inline constexpr int64_t kFewDraws = 10;

/// Whether a block of rows, of which `incomplete` are to be filled, is filled now: the draws depend
/// on where blocks end.
bool ends_block(int64_t rows, int64_t incomplete, const CompletionPlan& plan);
/// Rows of a block all of which are to be filled.
int64_t rows_in_block(const CompletionPlan& plan);

/// Self-normalised importance sampling: p(x_absent | x_seen) is a mixture of the decoder's
/// distributions, weighted by p(x_seen, z) / r(z) (Mattei & Frellsen 2019, arXiv:1812.02633), with
/// codes from posterior and prior. Rows with less than kFewDraws effective ones are drawn for
/// again, in up to four rounds that each look where the codes before counted; the last two draw
/// four times as many.
/// `truth` [B, D]: cells to look for among the draws; undefined = none, and no levels.
Completion complete(Model& model, const Batch& batch, const std::vector<Column>& columns,
                    const CompletionPlan& plan, const Tensor& truth = {});

}  // namespace elbo
