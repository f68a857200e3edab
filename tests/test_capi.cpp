#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "elbo/capi/arrow_abi.h"
#include "elbo/elbo.h"

// The C interface as its users see it.

namespace {

using CJson = nlohmann::json;

/// Rows of correlated numbers, the same at every call.
std::vector<float> some_numbers(int64_t rows, int64_t columns) {
  std::vector<float> x;
  for (int64_t r = 0; r < rows; ++r) {
    const auto hidden = static_cast<float>(std::sin(0.7 * static_cast<double>(r)));
    for (int64_t i = 0; i < columns; ++i) {
      x.push_back(hidden * static_cast<float>(i + 1) +
                  0.1F * static_cast<float>(std::cos(static_cast<double>(3 * r + i))));
    }
  }
  return x;
}

elbo_array matrix(const std::vector<float>& x, int64_t rows, int64_t columns) {
  elbo_array a{};
  a.data = x.data();
  a.type = ELBO_FLOAT32;
  a.dimensions = 2;
  a.shape[0] = rows;
  a.shape[1] = columns;
  return a;
}

std::string taken(char* text) {
  std::string copy = text ? text : "";
  elbo_text_free(text);
  return copy;
}

std::string folder_for(const std::string& name) {
  const auto path = std::filesystem::temp_directory_path() / ("elbo_capi_" + name);
  std::filesystem::remove_all(path);
  return path.string();
}

/// A tiny run on 60 rows of 4 real columns, and the data.
struct Tiny {
  std::vector<float> x = some_numbers(60, 4);
  std::string folder;
  elbo_data* data = nullptr;
  elbo_run* run = nullptr;

  explicit Tiny(const std::string& name, const elbo_callbacks* calls = nullptr,
                const char* train = "{\"epochs\": 2}")
      : folder(folder_for(name)) {
    const auto a = matrix(x, 60, 4);
    REQUIRE(elbo_data_array(&a, nullptr, "{\"reader\": {\"kind\": \"real\"}}", &data) == ELBO_OK);
    const auto request = "{\"set\": {\"latent.size\": 2}, \"train\": " + std::string(train) + "}";
    status = elbo_train(data, request.c_str(), folder.c_str(), calls, &run);
  }
  ~Tiny() {
    elbo_run_free(run);
    elbo_data_free(data);
    std::filesystem::remove_all(folder);
  }
  Tiny(const Tiny&) = delete;
  Tiny& operator=(const Tiny&) = delete;
  elbo_status status;
};

}  // namespace

TEST_CASE("a model is trained on an array, encodes, decodes, samples and scores") {
  const Tiny tiny("work");
  REQUIRE(tiny.status == ELBO_OK);
  int64_t size = 0;
  REQUIRE(elbo_run_code_size(tiny.run, &size) == ELBO_OK);
  CHECK(size == 2);
  std::vector<float> codes(120), spread(120), rows(240), drawn(12);
  CHECK(elbo_encode(tiny.run, tiny.data, nullptr, codes.data(), spread.data(), nullptr) == ELBO_OK);
  for (const float s : spread) CHECK(s > 0);
  auto a = matrix(codes, 60, 2);
  CHECK(elbo_decode(tiny.run, &a, nullptr, rows.data(), nullptr) == ELBO_OK);
  std::vector<float> again(240);
  CHECK(elbo_reconstruct(tiny.run, tiny.data, nullptr, again.data(), nullptr) == ELBO_OK);
  for (size_t i = 0; i < rows.size(); ++i) CHECK(rows[i] == doctest::Approx(again[i]));
  CHECK(elbo_sample(tiny.run, 3, "{\"show\": \"draw\"}", drawn.data(), nullptr) == ELBO_OK);
  CHECK(std::isfinite(drawn[11]));

  // The run is one that a folder gives back.
  elbo_run* opened = nullptr;
  REQUIRE(elbo_run_open(tiny.folder.c_str(), &opened) == ELBO_OK);
  std::vector<float> same(120);
  CHECK(elbo_encode(opened, tiny.data, nullptr, same.data(), nullptr, nullptr) == ELBO_OK);
  CHECK(same == codes);
  elbo_run_free(opened);
}

TEST_CASE("a score does not depend on the other rows") {
  const Tiny tiny("scores");
  REQUIRE(tiny.status == ELBO_OK);
  std::vector<double> all(60), one(1);
  REQUIRE(elbo_score(tiny.run, tiny.data, nullptr, all.data(), nullptr) == ELBO_OK);
  for (const int64_t row : {0, 7, 59}) {
    const std::vector<float> alone(tiny.x.begin() + 4 * row, tiny.x.begin() + 4 * (row + 1));
    const auto a = matrix(alone, 1, 4);
    elbo_data* data = nullptr;
    REQUIRE(elbo_data_array(&a, nullptr, nullptr, &data) == ELBO_OK);
    REQUIRE(elbo_score(tiny.run, data, nullptr, one.data(), nullptr) == ELBO_OK);
    CHECK(one[0] == doctest::Approx(all[static_cast<size_t>(row)]).epsilon(1e-5));
    elbo_data_free(data);
  }
}

TEST_CASE("scores among normal rows need neither these rows nor the handle of the training") {
  const auto folder = folder_for("ensemble");
  const auto x = some_numbers(80, 3);
  const auto a = matrix(x, 80, 3);
  elbo_data* data = nullptr;
  elbo_run *run = nullptr, *opened = nullptr;
  REQUIRE(elbo_data_array(&a, nullptr, "{\"reader\": {\"kind\": \"real\"}}", &data) == ELBO_OK);
  REQUIRE(elbo_train(data,
                     "{\"for\": \"anomalies\", \"reference\": {\"draws\": 7}, \"train\": "
                     "{\"epochs\": 2}}",
                     folder.c_str(), nullptr, &run) == ELBO_OK);
  elbo_run_free(run);
  elbo_data_free(data);
  REQUIRE(elbo_data_array(&a, nullptr, "{\"reader\": {\"kind\": \"real\"}}", &data) == ELBO_OK);
  REQUIRE(elbo_run_open(folder.c_str(), &opened) == ELBO_OK);
  std::vector<double> whole(80), likely(80);
  REQUIRE(elbo_score(opened, data, "{\"draws\": 7}", whole.data(), nullptr) == ELBO_OK);
  REQUIRE(elbo_score(opened, data, "{\"draws\": 7, \"score\": \"likelihood\"}", likely.data(),
                     nullptr) == ELBO_OK);
  CHECK(whole != likely);
  for (const double score : whole) CHECK(score >= 0);  // a surprise, not a likelihood
  CHECK(elbo_score(opened, data, nullptr, whole.data(), nullptr) == ELBO_INVALID);
  CHECK(std::string(elbo_last_error()).find("reference scores of 7 draws") != std::string::npos);
  CHECK(elbo_train(data, "{\"reference\": 3}", folder.c_str(), nullptr, &run) == ELBO_INVALID);
  elbo_run_free(opened);
  elbo_data_free(data);
  std::filesystem::remove_all(folder);
}

TEST_CASE("a callback that stops leaves a run with weights") {
  int seen = 0;
  elbo_callbacks calls{};
  calls.user = &seen;
  calls.progress = [](void* user, double, const char* json) {
    CHECK(CJson::parse(json).contains("step"));
    return ++*static_cast<int*>(user) > 0 ? 1 : 0;
  };
  const Tiny tiny("stop", &calls, "{\"epochs\": 100000}");
  CHECK(tiny.status == ELBO_STOPPED);
  CHECK(seen == 1);
  REQUIRE(tiny.run != nullptr);
  int64_t count = 0;
  CHECK(elbo_run_parameters(tiny.run, &count) == ELBO_OK);
  CHECK(count > 0);
}

TEST_CASE("mistakes are statuses with a sentence that names them") {
  const Tiny tiny("mistakes");
  REQUIRE(tiny.status == ELBO_OK);
  const auto says = [](elbo_status status, const char* words) {
    CHECK(status == ELBO_INVALID);
    const std::string message = elbo_last_error();
    CHECK_MESSAGE(message.find(words) != std::string::npos, message);
    CHECK(message.find('\n') == std::string::npos);
  };
  elbo_data* data = nullptr;
  elbo_run* run = nullptr;
  auto a = matrix(tiny.x, 60, 4);
  a.type = 77;
  says(elbo_data_array(&a, nullptr, nullptr, &data), "unknown type 77");
  a.type = ELBO_FLOAT32;
  a.shape[0] = 0;
  says(elbo_data_array(&a, nullptr, nullptr, &data), "no rows");
  a.shape[0] = int64_t{1} << 62;
  says(elbo_data_array(&a, nullptr, nullptr, &data), "too many");
  a.shape[0] = 60;
  a.strides[0] = -16;
  a.strides[1] = 4;
  says(elbo_data_array(&a, nullptr, nullptr, &data), "stride -16");
  a.strides[0] = a.strides[1] = 0;
  a.dimensions = 9;
  says(elbo_data_array(&a, nullptr, nullptr, &data), "9 dimensions");
  a.dimensions = 2;
  says(elbo_data_array(&a, nullptr, "{\"rowz\": 3}", &data), "rowz");
  says(elbo_data_array(&a, nullptr, "no json", &data), "JSON");
  says(elbo_data_array(nullptr, nullptr, nullptr, &data), "NULL");
  says(elbo_run_open("/nowhere", &run), "no such folder");
  says(elbo_train(tiny.data, "{\"model\": \"no_such\"}", folder_for("x").c_str(), nullptr, &run),
       "no_such");
  says(elbo_train(tiny.data, nullptr, tiny.folder.c_str(), nullptr, &run), "a run is there");
  std::vector<float> codes(120);
  const auto narrow = matrix(tiny.x, 80, 3);
  REQUIRE(elbo_data_array(&narrow, nullptr, nullptr, &data) == ELBO_OK);
  says(elbo_encode(tiny.run, data, nullptr, codes.data(), nullptr, nullptr), "shape 3");
  elbo_data_free(data);
  auto with_hole = tiny.x;
  with_hole[4 * 7 + 2] = NAN;
  const auto holes = matrix(with_hole, 60, 4);
  REQUIRE(elbo_data_array(&holes, nullptr, nullptr, &data) == ELBO_OK);
  says(elbo_encode(tiny.run, data, nullptr, codes.data(), nullptr, nullptr), "row 7, column 2");
  elbo_data_free(data);
  says(elbo_run_task(tiny.run, "fly", nullptr, nullptr, nullptr, nullptr, nullptr, nullptr), "fly");
}

TEST_CASE("a table's missing cells are filled, spelled as the data spell them") {
  const int64_t rows = 80;
  elbo_table* table = nullptr;
  REQUIRE(elbo_table_create(rows, &table) == ELBO_OK);
  std::vector<double> length;
  std::string words;
  std::vector<int64_t> offsets{0};
  std::vector<uint8_t> valid;
  for (int64_t r = 0; r < rows; ++r) {
    length.push_back(r % 10 == 3 ? NAN : 0.5 * static_cast<double>(r % 7));
    valid.push_back(r % 9 != 4);
    if (valid.back()) words += r % 7 > 3 ? "long" : "short";
    offsets.push_back(static_cast<int64_t>(words.size()));
  }
  elbo_array numbers{};
  numbers.data = length.data();
  numbers.type = ELBO_FLOAT64;
  numbers.dimensions = 1;
  numbers.shape[0] = rows;
  REQUIRE(elbo_table_add_numbers(table, "length", &numbers, nullptr) == ELBO_OK);
  CHECK(elbo_table_add_numbers(table, "length", &numbers, nullptr) == ELBO_INVALID);
  REQUIRE(elbo_table_add_texts(table, "size", words.c_str(), offsets.data(), valid.data()) ==
          ELBO_OK);
  elbo_data* data = nullptr;
  REQUIRE(elbo_data_table(table, nullptr, &data) == ELBO_OK);
  elbo_table_free(table);  // the data share its columns

  const auto folder = folder_for("table");
  elbo_run* run = nullptr;
  REQUIRE(elbo_train(data, "{\"model\": \"missing_iwae\", \"train\": {\"steps\": 30}}",
                     folder.c_str(), nullptr, &run) == ELBO_OK);
  std::vector<float> values(static_cast<size_t>(2 * rows));
  REQUIRE(elbo_impute(run, data, "{\"draws\": 20}", values.data(), nullptr, nullptr, nullptr,
                      nullptr) == ELBO_OK);
  for (int64_t r = 0; r < rows; ++r) {
    CHECK(std::isnan(values[static_cast<size_t>(2 * r)]) == (r % 10 != 3));
    CHECK(std::isnan(values[static_cast<size_t>(2 * r + 1)]) == (r % 9 != 4));
  }
  const auto a = matrix(values, rows, 2);
  elbo_table* cells = nullptr;
  REQUIRE(elbo_run_cells(run, &a, &cells) == ELBO_OK);
  CHECK(std::string(elbo_table_name(cells, 1)) == "size");
  CHECK(elbo_table_name(cells, 2) == nullptr);
  const char* bytes = nullptr;
  const int64_t* at = nullptr;
  const uint8_t* there = nullptr;
  REQUIRE(elbo_table_texts(cells, 1, &bytes, &at, &there) == ELBO_OK);
  const std::string word(bytes + at[4], bytes + at[5]);
  CHECK((word == "long" || word == "short"));
  CHECK(there[5] == 0);
  elbo_table_free(cells);
  elbo_run_free(run);
  elbo_data_free(data);
  std::filesystem::remove_all(folder);
}

namespace {

/// A stream of two batches of one column of doubles, the second of them with a missing cell.
struct Batches {
  std::vector<double> numbers{0.5, 1.5, 2.5, 3.5, 4.5};
  uint8_t bits = 0b101;  // of the last three
  int given = 0;
  ArrowSchema field{}, schema{};
  ArrowSchema* fields[1] = {&field};
  const void* buffers[2][2] = {{nullptr, numbers.data()}, {&bits, numbers.data() + 2}};
  const void* none[1] = {nullptr};
  ArrowArray columns[2]{};
  ArrowArray* children[2][1] = {{&columns[0]}, {&columns[1]}};
  ArrowArrayStream stream{};

  Batches() {
    field.format = "g";
    field.name = "x";
    schema.format = "+s";
    schema.n_children = 1;
    schema.children = fields;
    schema.release = [](ArrowSchema* s) { s->release = nullptr; };
    stream.private_data = this;
    stream.get_schema = [](ArrowArrayStream* s, ArrowSchema* out) {
      *out = of(s).schema;
      return 0;
    };
    stream.get_next = [](ArrowArrayStream* s, ArrowArray* out) { return of(s).next(out); };
    stream.get_last_error = [](ArrowArrayStream*) { return "the disk is gone"; };
    stream.release = [](ArrowArrayStream* s) { s->release = nullptr; };
  }
  static Batches& of(ArrowArrayStream* s) { return *static_cast<Batches*>(s->private_data); }
  int next(ArrowArray* out) {
    *out = ArrowArray{};
    if (given == 2) return 0;
    auto& column = columns[given];
    column.length = out->length = given == 0 ? 2 : 3;
    column.null_count = given;
    column.n_buffers = 2;
    column.buffers = buffers[given];
    out->n_buffers = out->n_children = 1;
    out->buffers = none;
    out->children = children[given];
    out->release = [](ArrowArray* a) { a->release = nullptr; };
    ++given;
    return 0;
  }
};

}  // namespace

TEST_CASE("batches of an Arrow stream become one table") {
  Batches batches;
  elbo_table* table = nullptr;
  REQUIRE(elbo_table_from_arrow(&batches.stream, &table) == ELBO_OK);
  CHECK(elbo_table_rows(table) == 5);
  const double* numbers = elbo_table_numbers(table, 0);
  REQUIRE(numbers != nullptr);
  CHECK(numbers[4] == 4.5);
  elbo_table_free(table);
  CHECK(elbo_table_from_arrow(&batches.stream, &table) == ELBO_INVALID);  // it is at its end
  batches.stream.get_next = [](ArrowArrayStream*, ArrowArray*) { return 5; };
  CHECK(elbo_table_from_arrow(&batches.stream, &table) == ELBO_INVALID);
  CHECK(std::string(elbo_last_error()).find("the disk is gone") != std::string::npos);
}

TEST_CASE("rows that are counted are the rows that are written") {
  const auto folder = folder_for("counted");
  elbo_data *data = nullptr, *few = nullptr;
  elbo_run* run = nullptr;
  REQUIRE(elbo_data_open("builtin:digits", "{\"rows\": 60}", &data) == ELBO_OK);
  REQUIRE(elbo_train(data, "{\"train\": {\"steps\": 2}}", folder.c_str(), nullptr, &run) ==
          ELBO_OK);
  REQUIRE(elbo_data_open("builtin:digits", "{\"rows\": 7}", &few) == ELBO_OK);
  int64_t rows = 0, size = 0;
  REQUIRE(elbo_data_rows(few, &rows) == ELBO_OK);
  CHECK(rows == 7);
  REQUIRE(elbo_run_code_size(run, &size) == ELBO_OK);
  std::vector<float> codes(static_cast<size_t>(8 * size), -77);
  REQUIRE(elbo_encode(run, few, nullptr, codes.data(), nullptr, nullptr) == ELBO_OK);
  CHECK(codes[static_cast<size_t>(7 * size - 1)] != -77);
  CHECK(codes[static_cast<size_t>(7 * size)] == -77);
  char* json = nullptr;
  elbo_rows* made = nullptr;
  REQUIRE(elbo_run_task(run, "encode", few, nullptr, nullptr, nullptr, &made, &json) == ELBO_OK);
  CHECK(CJson::parse(taken(json))["rows"] == 7);
  elbo_rows_free(made);
  elbo_run_free(run);
  elbo_data_free(data);
  elbo_data_free(few);
  std::filesystem::remove_all(folder);
}

TEST_CASE("tasks give rows in place of files, and lists are complete") {
  const Tiny tiny("tasks");
  REQUIRE(tiny.status == ELBO_OK);
  elbo_rows* rows = nullptr;
  char* json = nullptr;
  REQUIRE(elbo_run_task(tiny.run, "encode", tiny.data, nullptr, nullptr, nullptr, &rows, &json) ==
          ELBO_OK);
  CHECK(CJson::parse(taken(json))["rows"] == 60);
  elbo_array view{};
  REQUIRE(elbo_rows_view(rows, &view) == ELBO_OK);
  CHECK(view.shape[0] == 60);
  CHECK(view.shape[1] == 2);
  elbo_rows_free(rows);
  for (const char* what : {"models", "tasks", "metrics", "data", "heads", "train"}) {
    REQUIRE(elbo_list(what, &json) == ELBO_OK);
    CHECK(!CJson::parse(taken(json)).empty());
  }
  CHECK(elbo_list("planets", &json) == ELBO_INVALID);
  CHECK(elbo_abi_version() == ELBO_ABI_VERSION);
}
