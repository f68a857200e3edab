#include <sqlite3.h>

#include <charconv>
#include <cstring>
#include <vector>

#include "elbo/core/error.h"
#include "elbo/core/registry.h"
#include "elbo/io/csv.h"
#include "elbo/io/database.h"

namespace elbo {
namespace {

constexpr int kBusyMilliseconds = 5000;  // another program may be writing

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct FinishStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;
using Statement = std::unique_ptr<sqlite3_stmt, FinishStatement>;

Database open_for_reading(const std::string& path) {
  sqlite3* opened = nullptr;
  const int state = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READONLY, nullptr);
  Database database(opened);
  check(state == SQLITE_OK, "[sqlite] ", path, ": ",
        opened ? sqlite3_errmsg(opened) : "out of memory");
  sqlite3_busy_timeout(opened, kBusyMilliseconds);
  return database;
}

/// A name as SQL has it.
std::string quoted_name(const std::string& name) {
  std::string text = "\"";
  for (char c : name) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + "\"";
}

std::string shortest_text(double number) {
  char digits[32] = {};
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  return {digits, end};
}

class SqliteRecords : public Records {
 public:
  SqliteRecords(const std::string& path, const DatabasePart& part)
      : Records(path),
        database_(open_for_reading(path)),
        where_(part.query.empty() ? "" : "query: ") {
    check(part.table.empty() || part.query.empty(), "[sqlite] ", path,
          ": a table and a query are given, allowed is one of them");
    const auto query =
        part.query.empty() ? "SELECT * FROM " + quoted_name(table_to_read(part.table)) : part.query;
    statement_ = prepared(query);
    const auto columns = static_cast<size_t>(sqlite3_column_count(statement_.get()));
    check(columns > 0, "[sqlite] ", path, ": query: returns no columns, allowed is a SELECT");
    cells_.resize(columns);
    raw_.resize(columns);
  }

  bool next() override {
    if (row_ < 0) {
      for (size_t i = 0; i < cells_.size(); ++i) {
        const auto* name = sqlite3_column_name(statement_.get(), static_cast<int>(i));
        set(i, name ? name : "");
      }
    } else {
      const int state = sqlite3_step(statement_.get());
      if (state == SQLITE_DONE) return false;
      if (state != SQLITE_ROW) refuse(sqlite3_errmsg(database_.get()));
      for (size_t i = 0; i < cells_.size(); ++i) set(i, value(static_cast<int>(i)));
    }
    ++row_;
    return true;
  }

  int64_t size() const override { return static_cast<int64_t>(cells_.size()); }
  std::string_view cell(int64_t i) const override { return cells_[static_cast<size_t>(i)]; }
  std::string_view raw(int64_t i) const override { return raw_[static_cast<size_t>(i)]; }
  int64_t line() const override { return row_; }
  std::string unit() const override { return "row"; }
  bool names_first() const override { return true; }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    fail("[sqlite] ", path(), ": ", row_ > 0 ? "after row " + std::to_string(row_) + ": " : "",
         what);
  }

  Statement compiled(const char* sql, const char** rest) const {
    sqlite3_stmt* statement = nullptr;
    const int state = sqlite3_prepare_v2(database_.get(), sql, -1, &statement, rest);
    Statement held(statement);
    if (state != SQLITE_OK) refuse(where_ + sqlite3_errmsg(database_.get()));
    return held;
  }

  /// One statement that reads.
  Statement prepared(const std::string& query) const {
    const char* rest = nullptr;
    auto statement = compiled(query.c_str(), &rest);
    if (!statement) refuse("query: is empty, allowed is a SELECT");
    if (!sqlite3_stmt_readonly(statement.get())) refuse("query: writes, allowed is a SELECT");
    if (sqlite3_bind_parameter_count(statement.get()) > 0) {
      refuse("query: has a place for a value (?), allowed are values only");
    }
    const char* more = nullptr;
    if (compiled(rest, &more)) refuse("query: is more than one statement, allowed is one SELECT");
    return statement;
  }

  std::vector<std::string> tables() const {
    const auto list = prepared(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE "
        "'sqlite\\_%' ESCAPE '\\' ORDER BY name");
    std::vector<std::string> names;
    int state = SQLITE_ROW;
    while ((state = sqlite3_step(list.get())) == SQLITE_ROW) {
      names.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(list.get(), 0)));
    }
    if (state != SQLITE_DONE) refuse(sqlite3_errmsg(database_.get()));
    return names;
  }

  std::string table_to_read(const std::string& wanted) const {
    const auto known = tables();
    if (known.empty()) refuse("holds no table");
    if (wanted.empty() && known.size() == 1) return known[0];
    for (const auto& name : known) {
      if (sqlite3_stricmp(name.c_str(), wanted.c_str()) == 0) return name;
    }
    if (!wanted.empty()) refuse("no table \"" + wanted + "\"; known: " + join(known));
    refuse("holds several tables, name one by --table or a --query; known: " + join(known));
  }

  std::string value(int i) const {
    auto* statement = statement_.get();
    const int type = sqlite3_column_type(statement, i);
    if (type == SQLITE_NULL) return "";
    if (type == SQLITE_FLOAT) return shortest_text(sqlite3_column_double(statement, i));
    const auto* bytes = static_cast<const char*>(
        type == SQLITE_BLOB ? sqlite3_column_blob(statement, i)
                            : static_cast<const void*>(sqlite3_column_text(statement, i)));
    const auto size = static_cast<size_t>(sqlite3_column_bytes(statement, i));
    const std::string_view text(bytes ? bytes : "", bytes ? size : 0);
    return type == SQLITE_BLOB ? blob_text(text) : std::string(text);
  }

  static std::string blob_text(std::string_view bytes) {
    constexpr const char* kDigits = "0123456789ABCDEF";
    std::string text = "X'";
    for (unsigned char byte : bytes) {
      text += kDigits[byte >> 4];
      text += kDigits[byte & 15];
    }
    return text + "'";
  }

  void set(size_t i, std::string text) {
    raw_[i] = csv_cell(text, delimiter());
    cells_[i] = std::move(text);
  }

  Database database_;
  Statement statement_;
  std::string where_;  // what SQLite's messages are about
  std::vector<std::string> cells_, raw_;
  int64_t row_ = -1;  // 0 while the names are read
};

}  // namespace

bool has_databases() { return true; }

std::unique_ptr<Records> open_database(const std::string& path, const DatabasePart& part) {
  check_database(path);
  return std::make_unique<SqliteRecords>(path, part);
}

}  // namespace elbo
