#pragma once

#include <memory>
#include <string>
#include <vector>

#include "elbo/io/records.h"

namespace elbo {

/// How a text file of records begins.
struct TableHead {
  int64_t skipped = 0;      // records before the names or the first row: titles, comments
  bool comments = false;    // some of them begin with "#"
  bool hash_names = false;  // the names stand behind a "#"
  bool header = false;      // names of columns come next
  bool units = false;       // and units behind them
  bool last_empty = false;  // rows end in a delimiter that the header has not
  std::vector<std::string> notes;
};

/// What the first records say; `header` is "yes", "no" or "auto": found by contrast, a name is not
/// what stands below it. `words` are those for a missing cell.
TableHead read_head(Records& records, const std::string& header,
                    const std::vector<std::string>& words);

}  // namespace elbo
