#include "elbo/data/stream.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <map>

#include "elbo/data/series_file.h"
#include "elbo/data/table.h"

namespace elbo {
namespace {

/// The options of a table's text among those of a reader.
TableOptions table_options(const Json& reader) {
  Json known = Json::object();
  for (const auto& option : describe<TableOptions>()) {
    if (reader.contains(option.name)) known[option.name] = reader[option.name];
  }
  return read_options<TableOptions>(known, "reader table");
}

class TableStream : public RowStream {
 public:
  TableStream(const std::string& path, const Schemas& schemas, const TableOptions& options,
              OddCells odd)
      : rows_(path, options, schemas, odd) {}
  bool next() override {
    ++number_;
    return rows_.next();
  }
  Batch batch() const override {
    const auto width = static_cast<int64_t>(rows_.values().size());
    Batch batch;
    batch.x = torch::tensor(rows_.values()).view({1, width});
    batch.mask = torch::tensor(rows_.mask()).view({1, width}).to(torch::kFloat32);
    return batch;
  }
  std::string name() const override { return std::to_string(number_); }
  std::vector<OddCell> odd_cells() const override { return rows_.odd(); }
  std::string cell_text(int64_t component) const override {
    return std::string(rows_.cell(static_cast<size_t>(component)));
  }

 private:
  TableRows rows_;
  int64_t number_ = -1;
};

/// Columns of numbers: rows by themselves, or the steps of a series, whose windows are the rows.
class NumberStream : public RowStream {
 public:
  NumberStream(const std::string& path, const Schema& x, const TableOptions& options)
      : text_(path, options), shape_(x.shape) {
    window_ = static_cast<size_t>(shape_.size() == 2 ? shape_[0] : 1);
    const int64_t width = shape_.back();
    changes_ = x.detail.value("changes", std::vector<bool>(static_cast<size_t>(width), false));
    missing_ = x.missing();
    roles_ = series_roles_from(x.detail);
    origin_ = x.origin();
    if (origin_.defined()) origin_ = origin_.view({-1, width})[0].contiguous();
    find_columns(x.detail.value("columns", Json::array()), width);
  }

  bool next() override {
    do {
      if (!text_.next()) return false;
      ++number_;
      read_step();
    } while (piece_->steps.size() < window_);
    return true;
  }

  Batch batch() const override {
    std::vector<float> values;
    for (const auto& step : piece_->steps) values.insert(values.end(), step.begin(), step.end());
    Batch batch;
    batch.x = torch::tensor(values).view(with_rows(1, shape_));
    const auto holes = batch.x.isnan();
    check(missing_ || !holes.any().item<bool>(), "[stream] ", text_.records().path(), ": ",
          text_.place(), ": a cell is missing, the model was trained on rows without such");
    if (missing_) {
      batch.mask = holes.logical_not().to(torch::kFloat32);
      batch.x = batch.x.nan_to_num(0);
    }
    return batch;
  }
  std::string name() const override { return name_.empty() ? std::to_string(number_) : name_; }

 private:
  /// What is known of one entity of a series.
  struct Piece {
    std::vector<double> last;
    std::deque<std::vector<float>> steps;
  };

  /// By their names where the file has them, else by their places.
  void find_columns(const Json& columns, int64_t width) {
    const auto& names = text_.names();
    const std::string mark = "change of ";
    for (int64_t c = 0; c < width; ++c) {
      auto name = columns.size() == static_cast<size_t>(width) ? columns[c].get<std::string>()
                                                               : "x" + std::to_string(c);
      if (name.starts_with(mark)) name = name.substr(mark.size());
      const auto at = std::find(names.begin(), names.end(), name);
      const bool placed = at == names.end() && static_cast<int64_t>(names.size()) == width;
      check(at != names.end() || placed, "[stream] ", text_.records().path(), ": lacks the column ",
            name, "; found: ", join(names));
      places_.push_back(placed ? c : at - names.begin());
    }
    time_ = place_of(roles_.time);
    entity_ = place_of(roles_.entity);
    check(roles_.entity.empty() || entity_ >= 0, "[stream] ", text_.records().path(),
          ": lacks the column ", roles_.entity, "; found: ", join(names));
  }

  int64_t place_of(const std::string& name) const {
    const auto& names = text_.names();
    const auto at = std::find(names.begin(), names.end(), name);
    return at == names.end() || name.empty() ? -1 : at - names.begin();
  }

  std::string_view cell(int64_t place) const { return trimmed(text_.records().cell(place)); }

  double number(int64_t place) const {
    const auto states = roles_.states.find(text_.names()[static_cast<size_t>(place)]);
    if (states == roles_.states.end()) return text_.number(place);
    if (text_.missing(cell(place))) return std::numeric_limits<double>::quiet_NaN();
    const auto& words = states->second;
    const auto at = std::find(words.begin(), words.end(), cell(place));
    if (at == words.end()) {
      text_.refuse(place, "\"" + std::string(cell(place)) + "\" found, allowed: " + join(words));
    }
    return static_cast<double>(at - words.begin());
  }

  void read_step() {
    std::vector<double> raw;
    for (int64_t place : places_) raw.push_back(number(place));
    const auto entity = entity_ < 0 ? std::string() : std::string(cell(entity_));
    piece_ = &pieces_[entity];
    name_step(entity);
    auto& piece = *piece_;
    std::vector<float> step;
    for (size_t c = 0; c < raw.size(); ++c) {
      const double before = piece.last.empty() ? raw[c] : piece.last[c];
      double value = changes_[c] ? raw[c] - before : raw[c];
      if (origin_.defined()) value -= origin_.data_ptr<double>()[c];
      step.push_back(static_cast<float>(value));
    }
    piece.last = std::move(raw);
    piece.steps.push_back(std::move(step));
    if (piece.steps.size() > window_) piece.steps.pop_front();
  }

  void name_step(const std::string& entity) {
    const auto time = cell(std::max<int64_t>(time_, 0));
    name_ = time_ >= 0 || parse_date(time) ? std::string(time) : "";
    if (entity_ >= 0) name_ = entity + " " + (name_.empty() ? std::to_string(number_) : name_);
  }

  TableText text_;
  Shape shape_;
  size_t window_ = 1;
  std::vector<bool> changes_;
  std::vector<int64_t> places_;
  std::map<std::string, Piece> pieces_;
  Piece* piece_ = nullptr;
  SeriesRoles roles_;
  Tensor origin_;  // [width] float64; undefined = 0
  std::string name_;
  int64_t number_ = -1, time_ = -1, entity_ = -1;
  bool missing_ = false;
};

}  // namespace

std::unique_ptr<RowStream> open_stream(const std::string& path, const Schemas& schemas,
                                       const Json& reader, OddCells odd) {
  const auto& x = schemas.x;
  check(!schemas.c.present(), "[stream] the model has conditions, rows of text give none");
  const auto options = table_options(reader);
  if (x.kind == Kind::kTable) {
    return std::make_unique<TableStream>(path, schemas, options, odd);
  }
  check(x.shape.size() == 1 || x.shape.size() == 2, "[stream] the model reads rows of shape ",
        to_string(x.shape), "; text streams are for columns of numbers");
  return std::make_unique<NumberStream>(path, x, options);
}

}  // namespace elbo
