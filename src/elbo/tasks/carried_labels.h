#pragma once

#include <string>

#include "elbo/objectives/views.h"
#include "elbo/tasks/rows.h"

namespace elbo {

/// Classes of rows, and how they were found.
struct Guesses {
  Tensor p, y;  // [N, K]; [N], undefined where the rows have no labels
  std::string method;
  Json chosen;  // shares of labelled training rows that each way gets wrong; null = no choice
};

struct CarryOptions {
  int64_t neighbours = 7, views = 0;
  /// The name of a way: spread or forest; auto = the one that is wrong least often about labelled
  /// rows, of these and logistic regression on codes.
  std::string method = "auto";
};

/// Small moves and turns of pictures. Raises an Error where rows are none.
ViewOptions slight_views(const TaskInput& input);

/// Whether most of the run's training rows lack the labels that some have: the rows without tell
/// where classes lie, too.
bool has_few_labels(const TaskInput& input);

/// Classes of rows by labels of the run's training rows: carried along the graph of the codes of
/// both (eval/spread.h), or by a forest of the rows' cells (eval/cell_forest.h). Where the data are
/// not here, by codes and the forest that the run keeps. `own_rows`: the rows are the run's
/// training rows themselves.
Guesses carry_labels(const TaskInput& input, const TaskRows& rows, bool own_rows,
                     const CarryOptions& options, const Draw& draw);

}  // namespace elbo
