#include <algorithm>
#include <array>
#include <cmath>

#include "elbo/data/builtin.h"
#include "elbo/data/column_types.h"
#include "elbo/data/open.h"
#include "elbo/data/reader.h"

namespace elbo {
namespace {

constexpr std::array<const char*, 6> kEducation = {"none",    "primary",  "secondary",
                                                   "college", "bachelor", "master"};
constexpr std::array<const char*, 6> kOccupation = {"farming", "service", "craft",
                                                    "clerk",   "manager", "science"};
constexpr std::array<const char*, 4> kRegion = {"north", "east", "south", "west"};
constexpr int64_t kSchemaRows = 5000;  // that types and scales are taken from
constexpr uint64_t kDraws = 32;        // of one row

struct Named {
  const char *name, *type;
};
constexpr std::array<Named, 10> kColumns = {{{"age", "count"},
                                             {"sex", "binary"},
                                             {"height", "real"},
                                             {"weight", "real"},
                                             {"education", "ordinal"},
                                             {"occupation", "category"},
                                             {"married", "binary"},
                                             {"hours", "count"},
                                             {"income", "positive"},
                                             {"region", "category"}}};
using Row = std::array<std::string, kColumns.size()>;  // an empty cell is missing

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// One person. What depends on what: height on sex; weight on height; education on age; occupation
/// on education; married on age; hours on age and occupation; income on hours, education and age.
/// Region depends on nothing. Young people hide their income more often than others.
class Person {
 public:
  Person(uint64_t stream, int64_t row) : key_(stream), at_(static_cast<uint64_t>(row) * kDraws) {}

  Row cells() {
    Row cells;
    const int age = static_cast<int>(std::clamp(std::round(41 + 15 * normal()), 16.0, 90.0));
    const bool male = uniform() < 0.5;
    const double height = (male ? 177 : 164) + 6.5 * normal();
    const double weight = 24 * height * height / 1e4 * std::exp(0.14 * normal());
    const double taught = 2.4 + 1.3 * normal() - 0.02 * std::max(0, age - 45);
    const int education = std::clamp(static_cast<int>(std::lround(taught)), 0, 5);
    const int occupation =
        std::clamp(static_cast<int>(std::lround(education + 1.1 * normal())), 0, 5);
    const bool married = uniform() < 0.85 * sigmoid((age - 29) / 4.0);
    const bool works = uniform() < sigmoid((66 - age) / 2.0);
    const double week = 38 + (occupation == 4 ? 8 : 0) + 6 * normal();
    const int hours = works ? std::clamp(static_cast<int>(std::lround(week)), 1, 90) : 0;
    const double years = std::min(age - 16, 35);
    const double income =
        hours * 52 * std::exp(2.0 + 0.17 * education + 0.02 * years + 0.35 * normal());
    cells = {std::to_string(age),
             male ? "male" : "female",
             tenths(height),
             tenths(weight),
             kEducation[education],
             kOccupation[occupation],
             married ? "yes" : "no",
             std::to_string(hours),
             std::to_string(std::lround(income)),
             kRegion[static_cast<size_t>(uniform() * 4)]};
    hide(cells, 3, 0.1);
    hide(cells, 4, 0.05);
    hide(cells, 7, 0.05);
    hide(cells, 8, age < 30 ? 0.3 : 0.1);
    return cells;
  }

 private:
  static std::string tenths(double x) {
    const auto whole = std::lround(10 * x);
    return std::to_string(whole / 10) + "." + std::to_string(whole % 10);
  }
  void hide(Row& cells, size_t column, double share) {
    if (uniform() < share) cells[column].clear();
  }
  // Each draw takes two places, so that normal and uniform ones stay apart.
  double uniform() { return uniform_at(key_, 2 * at_++); }
  double normal() { return normal_at(key_, at_++); }

  uint64_t key_, at_;
};

std::vector<Cells> census_cells() {
  std::array<ColumnStatistics, kColumns.size()> statistics;
  const uint64_t stream = Draw{}.key("census schema");
  for (int64_t r = 0; r < kSchemaRows; ++r) {
    const auto cells = Person(stream, r).cells();
    for (size_t i = 0; i < cells.size(); ++i) {
      cells[i].empty() ? statistics[i].add_missing("") : statistics[i].add(cells[i], false, r + 1);
    }
  }
  std::vector<Cells> columns;
  for (size_t i = 0; i < kColumns.size(); ++i) {
    const auto& [name, type] = kColumns[i];
    if (std::string(name) != "education") {
      columns.emplace_back(statistics[i].column(name, type, 100));
      continue;
    }
    Column grades;
    grades.name = name;
    grades.type = type;
    grades.classes.assign(kEducation.begin(), kEducation.end());
    columns.emplace_back(grades);
  }
  return columns;
}

Data make_census(const MadePart& part) {
  static const auto columns = census_cells();
  const auto width = static_cast<int64_t>(columns.size());
  Arrays a;
  a.x = torch::zeros({part.rows, width});
  a.mask = torch::ones({part.rows, width}, torch::kUInt8);
  auto* x = a.x.data_ptr<float>();
  auto* mask = a.mask.data_ptr<uint8_t>();
  for (int64_t r = 0; r < part.rows; ++r) {
    const auto cells = Person(part.stream, r).cells();
    for (size_t i = 0; i < cells.size(); ++i, ++x, ++mask) {
      *mask = cells[i].empty() ? 0 : 1;
      if (*mask) *x = columns[i].value(cells[i]);
    }
  }
  a.schemas.x = {{width}, Kind::kTable, {{"missing", true}, {"columns", Json::array()}}};
  for (const auto& cell : columns) a.schemas.x.detail["columns"].push_back(cell.column());
  return in_memory(std::move(a));
}

const bool builtin_census_added = builtins().add<NoOptions>(
    "census", "people in ten dependent columns of all types, with missing cells",
    [](const DataOptions& options, const NoOptions&) {
      refuse_resize(options, "builtin:census");
      return make_parts("census", options, 10000, 2000, make_census);
    });

}  // namespace
}  // namespace elbo
