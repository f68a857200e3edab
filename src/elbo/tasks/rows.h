#pragma once

#include <string>
#include <vector>

#include "elbo/data/open.h"
#include "elbo/model/codes.h"
#include "elbo/tasks/task.h"

namespace elbo {

/// Which rows a task reads: a part of its own options.
struct RowChoice {
  std::string split = "auto";
  int64_t rows = 0;
  std::string shard = {};
  bool skip_invalid = false;
  template <class F>
  void fields(F&& f) {
    f("split", split, "part of the data (auto = the test part where there is one, else all)",
      one_of({"auto", "train", "test", "all"}));
    f("rows", rows, "number of rows to use, from the first (0 = all)", at_least(0));
    f("shard", shard,
      "part of the rows to process, part K of N written K/N, e.g. 3/8, for job arrays");
    f("skip_invalid", skip_invalid,
      "leave out pictures or molecules that cannot be read, and count them");
  }
};
/// DATA of the command line, read as the run reads its own; where none is given the rows that the
/// run is judged by. `name` tells which.
struct TaskRows {
  Data data;
  std::string name;
  int64_t first = 0;  // the place of its first row, where it is a part
};
/// Raises an Error where a part of the rows would go to the same default file as the other parts.
/// `odd`: see DataOptions.
TaskRows open_task_rows(const TaskInput& input, const RowChoice& choice,
                        OddCells odd = OddCells::kMissing);
/// What a result says of cells that became missing ones: how many, and the first; null where there
/// are none.
Json unseen_cells(const Dataset& data);
/// Adds it to a result as "unseen".
void tell_unseen(const Dataset& data, Json& result);

/// Every row once, in blocks: f(batch, first). Within f the noise of a row depends on the seed and
/// on its place in the whole data alone, so that parts put together are the whole.
void for_each_placed_batch(const TaskRows& rows, int64_t block, const Draw& draw,
                           const std::function<void(const Batch&, int64_t)>& f);

/// Conditions for n rows, [n, …] or undefined where the model has none: `text` names a class, lists
/// numbers, or is a .npy or .csv file; where it is empty they are those of the run's own data.
Tensor conditions(const TaskInput& input, const std::string& text, int64_t n);
/// Values of sites from "SITE=VALUE;SITE=VALUE": a number, numbers between commas, or a file of
/// rows. [1 or N, …] each.
Values parse_fixed(const CodeLayout& layout, const std::string& text);

/// Rows of numbers from a .npy, .csv or .tsv file, [N, D]; a header line of a text file is skipped,
/// an empty cell is NaN.
Tensor read_rows(const std::string& path);

}  // namespace elbo
