#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "elbo/data/components.h"
#include "elbo/data/dataset.h"
#include "elbo/eval/row_score.h"
#include "elbo/eval/threshold.h"
#include "elbo/io/file.h"

namespace elbo {

/// One column or pixel that made a row unusual.
struct Cause {
  std::string name, value, expected;
  double excess = 0;
};

/// One judged row.
struct RowVerdict {
  std::string row;
  double score = 0, p_value = 1;
  bool alarm = false;
  int64_t label = -1;  // 1 = anomaly, 0 = normal, -1 = not known
  std::vector<Cause> causes;
};
Json to_json(const RowVerdict& verdict);

/// What the source of a row says: of its cells, and which of them the model cannot read.
struct ReportedRow {
  std::vector<OddCell> odd;
  double odd_excess = 0;                               // what one of them brings
  std::function<std::string(int64_t component)> text;  // "" where it is not known
};
/// The cells that cannot be read, then the components that bring most beyond what is usual, at most
/// `most` of them, for one row of the batch.
std::vector<Cause> strongest_causes(const Components& names, const Tensor& x,
                                    const RowScorer::Causes& causes, int64_t row, int64_t most,
                                    const ReportedRow& source);

/// Verdicts as a file: text (.csv, .tsv) with a line per row, or numbers (.npy): score, p-value and
/// alarm.
class VerdictFile {
 public:
  virtual ~VerdictFile() = default;
  /// Whether it has room for what caused an alarm.
  virtual bool tells_causes() const = 0;
  virtual void append(const RowVerdict& verdict) = 0;
  virtual void commit() = 0;
};
/// Whether a picture is asked for in place of a line for each row.
bool is_score_picture(const std::string& path);
/// Raises an Error where the ending is not known: before the work, not after it.
void check_verdict_file(const std::string& path);
std::unique_ptr<VerdictFile> create_verdict_file(const std::string& path, int64_t rows,
                                                 int64_t causes, bool labels);

}  // namespace elbo
