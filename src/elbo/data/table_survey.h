#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "elbo/data/column_types.h"
#include "elbo/data/table.h"

namespace elbo {

/// The first pass over a file: what its columns are, and what that was decided by.
class TableSurvey {
 public:
  /// Reads at most so many rows; 0 = all.
  TableSurvey(const std::string& path, const TableOptions& options, int64_t most_rows);
  int64_t rows() const { return rows_; }
  Schemas schemas();

 private:
  void find_weight();
  void add_cell(const TableText& text, size_t i, ColumnStatistics& statistics) const;
  std::string given(size_t i) const;
  bool words(size_t i) const;
  bool is_real(size_t i) const;
  std::string own_name(size_t i) const;
  SpellingEvidence::Hint decimal_hint() const;
  std::optional<Spelling> own_spelling(size_t i, const SpellingEvidence::Hint& hint);
  void look_again();
  void take(size_t i, ColumnStatistics& second);
  void say(size_t i, const std::string& what);
  [[noreturn]] void refuse(size_t i, const std::string& what) const;
  void leave_out(size_t i, const std::string& type, const std::string& why);
  void say_decisions(size_t i, const std::string& type, TimeOrder order);
  std::optional<Column> decide(size_t i, Schemas& schemas);

  std::string path_, unit_;
  const TableOptions& options_;
  std::vector<std::string> names_;
  std::vector<bool> unnamed_;
  bool header_ = false;
  char delimiter_ = ',';
  std::map<std::string, NamedType> named_;
  std::vector<ColumnStatistics> statistics_;
  std::vector<std::string> notes_;
  Json constants_ = Json::array();
  int64_t rows_ = 0;
};

}  // namespace elbo
