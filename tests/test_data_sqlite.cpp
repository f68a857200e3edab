#include <sqlite3.h>

#include "elbo/data/column.h"
#include "elbo/data/table.h"
#include "elbo/io/database.h"
#include "files.h"
#include "near.h"
#include "open_with.h"

namespace elbo {
namespace {

/// Runs statements on a database, which is made where it is absent.
void execute(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  const int state = sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr);
  INFO(sqlite3_errmsg(database));
  CHECK(state == SQLITE_OK);
  sqlite3_close(database);
}

Batch whole(const Data& data) { return data->get(torch::arange(data->size())); }

/// 40 people, every seventh without an age, as a table "people" and as CSV.
struct People {
  TempFolder folder;
  std::string database = folder.at("people.db"), csv;

  People() {
    std::string sql = "CREATE TABLE people(age INTEGER, size REAL, city TEXT);BEGIN;";
    std::string text = "age,size,city\n";
    for (int i = 0; i < 40; ++i) {
      const auto age = std::to_string(20 + i * 13 % 47);
      const auto size = std::to_string(150 + i * 7 % 40) + "." + std::to_string(i % 4 * 25 + 10);
      const std::string city = i % 3 ? "Oslo, NO" : "Rome";
      sql +=
          "INSERT INTO people VALUES(" + (i % 7 ? age : "NULL") + "," + size + ",'" + city + "');";
      text += (i % 7 ? age : "") + "," + size + ",\"" + city + "\"\n";
    }
    execute(database, sql + "COMMIT;");
    csv = folder.file("people.csv", text);
  }

  std::string refusal(const Json& own) const {
    return error_of([&] { open_with(database, own); });
  }
};

TEST_CASE("a table of a database is read as the same table in CSV") {
  const People people;
  const auto one = open_with(people.database), other = open_with(people.csv);
  auto columns = other->schemas().x.detail["columns"];
  for (auto& column : columns) column.erase("fixed");  // a database has numbers, not their zeros
  CHECK(one->schemas().x.detail["columns"] == columns);
  const auto a = whole(one), b = whole(other);
  CHECK(a.x.equal(b.x));
  CHECK(a.mask.equal(b.mask));
  CHECK(a.mask.sum().item<float>() == 40 * 3 - 6);
  const Json types{{"types", "city=label,age=real"}};
  CHECK(whole(open_with("sqlite:" + people.database, types))
            .y.equal(whole(open_with(people.csv, types)).y));
  // With what a model knows, each is read in place of the other.
  const auto like = std::make_shared<const Schemas>(other->schemas());
  CHECK(whole(open_with(people.database, {{"delimiter", ";"}}, like)).x.equal(b.x));
  CHECK(whole(open_with(people.csv, {{"table", "gone"}}, like)).x.equal(b.x));
}

TEST_CASE("one table needs no name, of several one is named, a query stands for a table") {
  const People people;
  execute(people.database,
          "CREATE TABLE \"odd \"\"name\"(a, b); INSERT INTO \"odd \"\"name\" "
          "VALUES(1, 2.5), (2, 3.5), (4, 0.5), (NULL, X'00FF');"
          "CREATE VIEW old AS SELECT * FROM people WHERE age > 40;");
  CHECK(people.refusal(Json::object())
            .find("holds several tables, name one by --table or a --query; known: odd \"name, "
                  "old, people") != std::string::npos);
  CHECK(people.refusal({{"table", "peple"}}).find("no table \"peple\"; known: odd") !=
        std::string::npos);
  CHECK(open_with(people.database, {{"table", "People"}})->size() == 40);
  CHECK(open_with(people.database + ":people")->size() == 40);
  const auto odd =
      open_with(people.database, {{"table", "odd \"name"}, {"types", "a=real,b=category"}});
  CHECK(odd->schemas().x.detail["columns"][1]["classes"] == Json{"0.5", "2.5", "3.5", "X'00FF'"});
  CHECK(whole(odd).mask[3][0].item<float>() == 0);

  const Json query{{"query", "WITH o AS (SELECT city, age FROM people) SELECT * FROM o; -- all"}};
  const auto asked = open_with(people.database, query);
  CHECK(asked->schemas().x.detail["columns"][0]["name"] == "city");
  // A table named with the data comes before what the options say, where a model knows its types.
  const auto like = std::make_shared<const Schemas>(asked->schemas());
  CHECK(open_with(people.database + ":old", query, like)->size() < 40);
}

TEST_CASE("an SQLite database is only read, and what cannot be read is said in one line") {
  const People people;
  const auto says = [&](const Json& own, const std::string& part) {
    const auto message = people.refusal(own);
    INFO(message);
    CHECK(message.find("[sqlite] " + people.database + ": " + part) != std::string::npos);
    CHECK(message.find('\n') == std::string::npos);
  };
  for (const char* writes : {"DELETE FROM people", "DROP TABLE people", "PRAGMA user_version = 3",
                             "VACUUM INTO 'copy.db'"}) {
    says({{"query", writes}}, "query: writes, allowed is a SELECT");
  }
  says({{"query", "ATTACH 'x.db' AS x"}}, "query: returns no columns, allowed is a SELECT");
  says({{"query", "SELECT age FROM people; SELECT 2"}}, "query: is more than one statement");
  says({{"query", "SELECT ? FROM people"}}, "query: has a place for a value");
  says({{"query", "SELECT agee FROM people"}}, "query: no such column: agee");
  says({{"query", "-- nothing"}}, "query: is empty");
  says({{"query", "SELECT 1"}, {"table", "people"}}, "a table and a query are given");
  CHECK(people.refusal({{"query", "SELECT * FROM people WHERE age > 999"}}) ==
        "[table] " + people.database + ": holds no rows");
  CHECK(people.refusal({{"types", "city=real"}}).find("\"Rome\" (row 1) is not a number") !=
        std::string::npos);
  CHECK(error_of([&] {
          open_with(people.csv, {{"table", "people"}});
        }).find("is not a database, leave out --table and --query") != std::string::npos);

  const auto text = people.folder.file("text.db", "no database");
  CHECK(error_of([&] { open_with(text); }).find("is not an SQLite database") != std::string::npos);
  CHECK(error_of([&] { open_with("sqlite:" + text + "x"); }).find("no such file") !=
        std::string::npos);
  std::ifstream file(people.database, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  const auto refused = fuzz(bytes, 200, [&](const std::string& damaged) {
    open_with(people.folder.file("damaged.db", damaged), {{"table", "people"}});
  });
  CHECK(refused > 0);
}

TEST_CASE("a cache of a database that is written to is read anew") {
  const People people;
  const Json own{{"cache", people.folder.at("cache")}};
  CHECK(open_with(people.database, own)->size() == 40);
  CHECK(open_with(people.database, own)->size() == 40);
  execute(people.database, "PRAGMA journal_mode = WAL");
  sqlite3* writer = nullptr;
  REQUIRE(sqlite3_open(people.database.c_str(), &writer) == SQLITE_OK);
  sqlite3_exec(writer, "SELECT * FROM people", nullptr, nullptr, nullptr);
  CHECK(open_with(people.database, own)->size() == 40);
  sqlite3_exec(writer, "INSERT INTO people VALUES(30, 160.5, 'Rome')", nullptr, nullptr, nullptr);
  CHECK(open_with(people.database, own)->size() == 41);
  sqlite3_close(writer);
}

}  // namespace
}  // namespace elbo
