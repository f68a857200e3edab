#pragma once

#include <memory>
#include <string>
#include <vector>

#include "elbo/data/column.h"
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

/// Names and values of a schema's components as people read them.
class ComponentNames {
 public:
  explicit ComponentNames(const Schema& schema);
  std::string name(int64_t component) const;
  std::string value(int64_t component, double value) const;

 private:
  Schema schema_;
  std::vector<std::string> names_;
  std::vector<Cells> cells_;
  std::vector<std::string> tokens_;  // of texts  // of a table
};
/// The components that bring most beyond what is usual, at most `most` of them, for one row of the
/// batch.
std::vector<Cause> strongest_causes(const ComponentNames& names, const Tensor& x,
                                    const RowScorer::Causes& causes, int64_t row, int64_t most);

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
/// Raises an Error where the ending is not known: before the work, not after it.
void check_verdict_file(const std::string& path);
std::unique_ptr<VerdictFile> create_verdict_file(const std::string& path, int64_t rows,
                                                 int64_t causes, bool labels);

}  // namespace elbo
