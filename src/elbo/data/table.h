#pragma once

#include <string>
#include <vector>

#include "elbo/data/column.h"
#include "elbo/data/dataset.h"
#include "elbo/data/table_head.h"
#include "elbo/io/csv.h"
#include "elbo/io/database.h"

namespace elbo {

/// What a reader of delimited text or of a database may be told.
struct TableOptions {
  std::string types, missing, header = "auto", decimal = "auto", delimiter, table, query, weight;
  int64_t most_classes = 1000;
  template <class F>
  void fields(F&& f) {
    f("types", types,
      "column types to set instead of inferring, e.g. \"age=count,city=category,id=ignore\"");
    f("missing", missing, "further words for a missing cell, separated by commas");
    f("header", header, "whether the first line names the columns", one_of({"auto", "yes", "no"}));
    f("decimal", decimal,
      "decimal sign of all numbers (auto = found for each column from all of its cells); the other "
      "sign separates thousands",
      one_of({"auto", "point", "comma"}));
    f("delimiter", delimiter, "separator of cells: one character, or tab (default: inferred)");
    f("table", table, "databases: table or view to read (default: the only one)");
    f("query", query, "databases: SELECT whose result is read");
    f("weight", weight,
      "column that says how much a row counts in loss and evaluation: a number from 0 in each row");
    f("most_classes", most_classes, "most classes of one column; rarer values are merged into one",
      between(2, 100000));
  }
};

/// "FILE.db:TABLE" as the two; any other path, and nothing.
std::pair<std::string, std::string> split_table(const std::string& path);
/// Raises an Error where the options speak of tables and the path is of text, or the other way
/// round.
void check_source(const std::string& path, const TableOptions& options);

/// A file of records, its first line told from the others. "FILE.db:TABLE" reads that table,
/// whatever the options say.
class TableText {
 public:
  /// `known`: names of the columns that a model knows, if it does; then these say whether and where
  /// the file names them.
  TableText(const std::string& path, const TableOptions& options,
            const std::vector<std::string>& known = {});
  /// The next record of as many cells as there are columns; others raise an Error.
  bool next();
  const Records& records() const { return *records_; }
  /// "line 7"; of a database "row 6".
  std::string place() const;
  bool has_header() const { return has_header_; }
  /// Whether the header has no name for a column.
  bool unnamed(int64_t column) const {
    return has_header_ && unnamed_[static_cast<size_t>(column)];
  }
  /// The bytes of the present record, and those of the header with its line end.
  std::string record() const;
  const std::string& header() const { return header_; }
  /// Of all columns of the file; x0, x1, … without a header. None twice.
  const std::vector<std::string>& names() const { return names_; }
  /// What had to be changed about the names, in words.
  const std::vector<std::string>& notes() const { return notes_; }
  bool missing(std::string_view cell) const;
  /// The number in a cell of the present record, NaN where it is missing. Others raise an Error.
  double number(int64_t column) const;
  /// Raises an Error at a cell of the present record.
  [[noreturn]] void refuse(int64_t column, const std::string& what) const;

 private:
  bool looks_like_header() const;
  bool names_all(const std::vector<std::string>& known) const;
  void find_header(const TableOptions& options, const std::vector<std::string>& known);
  void skip();
  std::vector<std::string> names_here(bool header, std::vector<std::string>* notes) const;
  void read_names();
  void check_size() const;

  std::unique_ptr<Records> records_;
  std::vector<std::string> words_, names_, notes_;
  std::string header_;
  std::vector<bool> unnamed_;
  TableHead head_;
  bool has_header_ = false, pending_ = false;
};

/// The column of weights that a schema names; "" where rows count the same.
std::string weight_column(const Schema& table);

/// Rows of a table as a schema reads them.
class TableRows {
 public:
  /// Columns are found by their names, or by their places where the schema knows no names. Raises
  /// an Error naming those that are absent. Cells that the schema cannot read become what `odd`
  /// says; a label that training has not seen is unknown, or (kQuoted) a further class.
  TableRows(const std::string& path, const TableOptions& options, const Schemas& schemas,
            OddCells odd = OddCells::kRefused);
  bool next();
  /// One number per column of the schema, 0 where the cell is missing.
  const std::vector<float>& values() const { return values_; }
  const std::vector<uint8_t>& mask() const { return mask_; }
  /// The label's class, -1 where it is missing or the file has none.
  int64_t label() const { return label_; }
  bool has_label() const { return label_at_ >= 0; }
  /// How much the row counts.
  float weight() const { return weight_; }
  bool has_weight() const { return weight_at_ >= 0; }
  const std::vector<OddCell>& odd() const { return odd_; }
  /// The classes of the label, those that only this file has behind the model's.
  const std::vector<std::string>& label_classes() const { return label_classes_; }
  /// What the file says in a column of the schema.
  std::string_view cell(size_t column) const {
    return trimmed(text_.records().cell(places_[column]));
  }

  const TableText& text() const { return text_; }
  const std::vector<Cells>& cells() const { return cells_; }
  /// The column's place in the file.
  int64_t place(int64_t column) const { return places_[static_cast<size_t>(column)]; }

 private:
  /// A column that was the same in every row of training.
  struct Constant {
    std::string name, text;
    std::optional<double> number;
    int64_t place;
  };
  void find_columns(const Schemas& schemas);
  void find_constants(const Schema& x);
  void find_label(const Schema& y);
  void read_cell(size_t column);
  void read_label();
  void read_weight();
  void check_constants();

  TableText text_;
  OddCells keep_ = OddCells::kRefused;
  std::vector<Constant> constants_;
  std::vector<OddCell> odd_;
  std::string problem_;
  std::vector<std::string> label_classes_;
  std::vector<Cells> cells_;
  std::vector<int64_t> places_;
  std::vector<Cells> label_cells_;  // none or one
  int64_t label_at_ = -1, label_ = -1, weight_at_ = -1;
  float weight_ = 1;
  std::vector<float> values_;
  std::vector<uint8_t> mask_;
};

/// Writes rows of a table's values as text, [n, columns] at a time.
std::string table_header(const std::vector<Cells>& cells, char delimiter);
/// `holes`: what is written for NaN in each column; empty = nothing.
void append_rows(std::string& text, const std::vector<Cells>& cells, const Tensor& values,
                 char delimiter, const std::vector<std::string>& holes = {});
/// How missing cells of each column were spelled most often in the file that a table's schema was
/// learned from; "" for an empty cell.
std::vector<std::string> hole_words(const Schema& table);

}  // namespace elbo
