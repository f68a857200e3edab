#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "elbo/core/text.h"
#include "elbo/data/open.h"
#include "elbo/data/reader.h"
#include "elbo/data/table.h"
#include "elbo/data/table_cache.h"
#include "elbo/data/table_survey.h"

namespace elbo {
namespace {

constexpr int kReading = 2;  // counts up whenever the same file is read in another way

/// The second pass: the rows themselves, at most so many; 0 = all.
StoredRows read_rows(const std::string& path, const TableOptions& options, const Schemas& schemas,
                     int64_t most_rows, OddCells odd = OddCells::kRefused) {
  TableRows rows(path, options, schemas, odd);
  const auto width = rows.cells().size();
  const auto store =
      std::make_shared<RowStore>(width + (rows.has_label() ? 1 : 0) + (rows.has_weight() ? 1 : 0));
  const bool quoted = odd == OddCells::kQuoted;
  const auto texts = odd != OddCells::kRefused ? std::make_shared<RowTexts>(quoted) : nullptr;
  std::vector<float> row(static_cast<size_t>(store->width()));
  while ((most_rows == 0 || store->size() < most_rows) && rows.next()) {
    for (size_t i = 0; i < width; ++i) {
      row[i] = rows.mask()[i] ? rows.values()[i] : std::numeric_limits<float>::quiet_NaN();
    }
    if (rows.has_label()) row[width] = static_cast<float>(rows.label());
    if (rows.has_weight()) row.back() = rows.weight();
    store->append(row);
    if (!texts) continue;
    for (size_t i = 0; i < width && quoted; ++i) texts->finish_cell(rows.cell(i));
    texts->finish_row(rows.odd());
  }
  check(store->size() > 0, "[table] ", path, ": holds no rows");
  StoredRows stored{store, {}, texts};
  stored.schemas.x = schemas.x;
  if (rows.has_label()) stored.schemas.y = schemas.y;
  if (rows.has_label() && quoted) stored.schemas.y.detail["classes"] = rows.label_classes();
  return stored;
}

/// Kish's effective number of rows. Raises an Error where no row counts.
std::string weight_note(const std::string& column, const Tensor& weights) {
  const double sum = weights.sum().item<double>();
  check(sum > 0, "[table] weight: all of column \"", column, "\" is 0, some row must count");
  std::ostringstream note;
  note << "column \"" << column << "\": weights of the rows, " << weights.min().item<double>()
       << " to " << weights.max().item<double>() << "; not learned, and a row counts by it in loss "
       << "and evaluation (as much is known as from "
       << std::llround(sum * sum / weights.square().sum().item<double>())
       << " rows of equal weight)";
  return note.str();
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
      return known ? read_rows(path, options_, *options.like, options.rows, options.odd)
                   : survey_and_read(path, options.rows);
    };
    Json how = write_options(options_);
    how.erase("cache");
    how["rows"] = options.rows;
    how["reading"] = kReading;
    if (!table.empty()) how["table"] = table;
    // The cache keeps numbers only.
    const bool plain = path == "-" || options.odd != OddCells::kRefused;
    const auto stored = cached_rows(plain ? "" : options_.cache, file, how,
                                    known ? options.like.get() : nullptr, read);
    return stored_table(stored.rows, stored.schemas, stored.texts);
  }

 private:
  StoredRows survey_and_read(const std::string& path, int64_t most_rows) const {
    TableSurvey survey(path, options_, most_rows);
    auto stored = read_rows(path, options_, survey.schemas(), survey.rows());
    if (!options_.weight.empty()) {
      auto& notes = stored.schemas.x.detail["notes"];
      notes.push_back(
          weight_note(options_.weight, stored_table(stored.rows, stored.schemas)->weights()));
    }
    return stored;
  }

  TableReaderOptions options_;
  bool databases_;
};

const bool table_reader_added = readers().add<TableReaderOptions>(
    "table", "delimited text with missing cells: FILE.csv, FILE.tsv, also ; | and gzip",
    [](const TableReaderOptions& o) { return std::make_shared<TableReader>(o, false); });

const bool databases_added = readers().add<TableReaderOptions>(
    "sqlite", "a table or a query of an SQLite database: FILE.db, FILE.sqlite, FILE.db:TABLE",
    [](const TableReaderOptions& o) { return std::make_shared<TableReader>(o, true); });

}  // namespace
}  // namespace elbo
