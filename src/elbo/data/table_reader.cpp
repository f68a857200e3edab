#include <algorithm>
#include <limits>

#include "elbo/core/text.h"
#include "elbo/data/column_types.h"
#include "elbo/data/reader.h"
#include "elbo/data/table.h"
#include "elbo/data/table_cache.h"

namespace elbo {
namespace {

/// The first pass over a file: what its columns are.
class TableSurvey {
 public:
  TableSurvey(const std::string& path, const TableOptions& options, int64_t most_rows)
      : options_(options), text_(path, options), named_(parse_types(options.types, text_.names())) {
    statistics_.resize(text_.names().size(), ColumnStatistics(text_.records().unit()));
    notes_ = text_.notes();
    const bool comma = text_.records().delimiter() != ',';
    while ((most_rows == 0 || rows_ < most_rows) && text_.next()) {
      ++rows_;
      for (size_t i = 0; i < statistics_.size(); ++i) add_cell(i, comma);
    }
    check(rows_ > 0, "[table] ", path, ": holds no rows",
          text_.has_header() && !text_.records().names_first() ? " below its header" : "");
    if (const auto blank = text_.records().blank_lines(); blank > 0) {
      notes_.push_back(std::to_string(blank) + " blank lines skipped");
    }
  }

  int64_t rows() const { return rows_; }

  Schemas schemas() {
    Schemas schemas;
    Json columns = Json::array();
    bool holes = false;
    for (size_t i = 0; i < statistics_.size(); ++i) {
      const auto column = decide(i, schemas);
      if (!column) continue;
      columns.push_back(*column);
      holes = holes || statistics_[i].missing() > 0;
    }
    check(!columns.empty(), "[table] ", text_.records().path(),
          ": no column to learn from: ", join(notes_, "; "));
    schemas.x = {{static_cast<int64_t>(columns.size())}, Kind::kTable, Json::object()};
    schemas.x.detail = {{"columns", columns},
                        {"missing", holes},
                        {"header", text_.has_header()},
                        {"width", text_.names().size()},
                        {"delimiter", std::string(1, text_.records().delimiter())},
                        {"notes", notes_}};
    return schemas;
  }

 private:
  void add_cell(size_t i, bool comma) {
    const auto at = static_cast<int64_t>(i);
    const auto cell = trimmed(text_.records().cell(at));
    if (text_.missing(cell)) return statistics_[i].add_missing();
    if (!is_utf8(cell)) {
      text_.refuse(at, "is not UTF-8 (iconv -f latin1 -t utf-8 turns most older files into it)");
    }
    try {
      statistics_[i].add(cell, comma, text_.records().line());
    } catch (const Error& error) {
      if (!ignored(i)) text_.refuse(at, error.what());
    }
  }

  bool ignored(size_t i) const {
    const auto at = named_.find(text_.names()[i]);
    return at != named_.end() && at->second.type == "ignore";
  }

  /// The column, or nothing where it is left out or is the label.
  std::optional<Column> decide(size_t i, Schemas& schemas) {
    const auto& name = text_.names()[i];
    const auto at = named_.find(name);
    try {
      std::string why = "as asked for";
      const bool given = at != named_.end();
      const auto type = given ? at->second.type : statistics_[i].type(&why);
      if (type == "ignore") {
        notes_.push_back("column \"" + name + "\" left out: " + why);
        return {};
      }
      Column column;
      if (given && !at->second.classes.empty()) {
        column.name = name;
        column.type = type;
        column.classes = at->second.classes;
      } else {
        column = statistics_[i].column(name, type, options_.most_classes);
      }
      if (type == "label") {
        check(!schemas.y.present(), "is a second label, a table has one");
        schemas.y = category_schema(column.classes);
        schemas.y.detail["column"] = name;
        return {};
      }
      return column;
    } catch (const Error& error) {
      const std::string what = error.what();
      fail(what.starts_with('[')
               ? ""
               : "[table] " + text_.records().path() + ": column \"" + name + "\": ",
           what);
    }
  }

  const TableOptions& options_;
  TableText text_;
  std::map<std::string, NamedType> named_;
  std::vector<ColumnStatistics> statistics_;
  std::vector<std::string> notes_;
  int64_t rows_ = 0;
};

/// The second pass: the rows themselves, at most so many; 0 = all.
StoredRows read_rows(const std::string& path, const TableOptions& options, const Schemas& schemas,
                     int64_t most_rows) {
  TableRows rows(path, options, schemas);
  const auto width = rows.cells().size();
  const auto store = std::make_shared<RowStore>(width + (rows.has_label() ? 1 : 0));
  std::vector<float> row(static_cast<size_t>(store->width()));
  while ((most_rows == 0 || store->size() < most_rows) && rows.next()) {
    for (size_t i = 0; i < width; ++i) {
      row[i] = rows.mask()[i] ? rows.values()[i] : std::numeric_limits<float>::quiet_NaN();
    }
    if (rows.has_label()) row[width] = static_cast<float>(rows.label());
    store->append(row);
  }
  check(store->size() > 0, "[table] ", path, ": holds no rows");
  StoredRows stored{store, {}};
  stored.schemas.x = schemas.x;
  if (rows.has_label()) stored.schemas.y = schemas.y;
  return stored;
}

struct TableReaderOptions : TableOptions {
  std::string cache;
  template <class F>
  void fields(F&& f) {
    TableOptions::fields(f);
    f("cache", cache,
      "folder for a binary cache of large tables, so that later reads of the same file are "
      "instant");
  }
};

/// Files of text, or databases.
class TableReader : public Reader {
 public:
  TableReader(TableReaderOptions options, bool databases)
      : options_(std::move(options)), databases_(databases) {}

  bool accepts(const std::string& path) const override {
    const std::vector<std::string> text = {".csv",    ".tsv",     ".csv.gz",
                                           ".tsv.gz", ".csv.zip", ".tsv.zip"};
    const std::vector<std::string> database = {".db", ".db3", ".sqlite", ".sqlite3"};
    const auto& endings = databases_ ? database : text;
    const auto file = lower_case(split_table(path).first);
    return std::any_of(endings.begin(), endings.end(),
                       [&](const auto& ending) { return file.ends_with(ending); });
  }

  Data open(const std::string& path, const DataOptions& options) const override {
    const auto where = "table " + path;
    refuse_resize(options, where);
    refuse_test(options, where);
    check(options.binarize == "auto" || options.binarize == "none", "[", where,
          "] binarize: ", options.binarize, " asked for, only bytes can be binarized");
    const bool known = options.like && options.like->x.kind == Kind::kTable;
    check(known || path != "-",
          "[table] standard input is read once: it needs a model that knows its types");
    const auto [file, table] = split_table(path);
    if (databases_) check_database(file);
    if (!known) check_source(path, options_);
    const auto read = [&] {
      return known ? read_rows(path, options_, *options.like, options.rows)
                   : survey_and_read(path, options.rows);
    };
    Json how = write_options(options_);
    how.erase("cache");
    how["rows"] = options.rows;
    if (!table.empty()) how["table"] = table;
    const auto stored = cached_rows(path == "-" ? "" : options_.cache, file, how,
                                    known ? options.like.get() : nullptr, read);
    return stored_table(stored.rows, stored.schemas);
  }

 private:
  StoredRows survey_and_read(const std::string& path, int64_t most_rows) const {
    TableSurvey survey(path, options_, most_rows);
    return read_rows(path, options_, survey.schemas(), survey.rows());
  }

  TableReaderOptions options_;
  bool databases_;
};

const bool added = readers().add<TableReaderOptions>(
    "table", "delimited text with missing cells: FILE.csv, FILE.tsv, also ; | and gzip",
    [](const TableReaderOptions& o) { return std::make_shared<TableReader>(o, false); });

const bool databases_added = readers().add<TableReaderOptions>(
    "sqlite", "a table or a query of an SQLite database: FILE.db, FILE.sqlite, FILE.db:TABLE",
    [](const TableReaderOptions& o) { return std::make_shared<TableReader>(o, true); });

}  // namespace
}  // namespace elbo
