#include "elbo/tasks/score_report.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "elbo/core/text.h"
#include "elbo/data/series_file.h"
#include "elbo/data/table.h"
#include "elbo/data/tokenizer.h"
#include "elbo/io/row_file.h"

namespace elbo {
namespace {

class VerdictText : public VerdictFile {
 public:
  VerdictText(const std::string& path, int64_t causes, bool labels, char delimiter)
      : file_(path), causes_(causes), labels_(labels), delimiter_(delimiter) {
    std::string header = "row";
    for (const char* name : {"score", "p_value", "alarm"}) header += delimiter_ + std::string(name);
    if (labels_) header += delimiter_ + std::string("label");
    for (int64_t i = 1; i <= causes_; ++i) {
      for (const char* name : {"cause", "value", "expected"}) {
        header += delimiter_ + (name + std::to_string(i));
      }
    }
    buffer_ = header + "\n";
  }

  bool tells_causes() const override { return causes_ > 0; }

  void append(const RowVerdict& v) override {
    buffer_ += csv_cell(v.row, delimiter_);
    for (const auto& text :
         {number_text(v.score), number_text(v.p_value), std::string(v.alarm ? "1" : "0")}) {
      buffer_ += delimiter_ + text;
    }
    if (labels_) buffer_ += delimiter_ + (v.label < 0 ? "" : std::to_string(v.label));
    for (size_t i = 0; i < static_cast<size_t>(causes_); ++i) {
      const Cause cause = i < v.causes.size() ? v.causes[i] : Cause();
      for (const auto& text : {cause.name, cause.value, cause.expected}) {
        buffer_ += delimiter_ + csv_cell(text, delimiter_);
      }
    }
    buffer_ += '\n';
    constexpr size_t kBlock = 1 << 16;
    if (buffer_.size() > kBlock) flush();
  }

  void commit() override {
    flush();
    file_.commit();
  }

 private:
  void flush() {
    file_.write(buffer_);
    buffer_.clear();
  }

  AtomicFile file_;
  int64_t causes_;
  bool labels_;
  char delimiter_;
  std::string buffer_;
};

class VerdictNumbers : public VerdictFile {
 public:
  VerdictNumbers(const std::string& path, int64_t rows)
      : file_(create_row_file(path, {rows, {3}, false, {}})) {}

  bool tells_causes() const override { return false; }

  void append(const RowVerdict& v) override {
    const float row[] = {static_cast<float>(v.score), static_cast<float>(v.p_value),
                         v.alarm ? 1.0f : 0.0f};
    values_.insert(values_.end(), row, row + 3);
    constexpr size_t kBlock = 3 << 14;
    if (values_.size() >= kBlock) flush();
  }

  void commit() override {
    flush();
    file_->commit();
  }

 private:
  void flush() {
    file_->append(torch::tensor(values_).view({-1, 3}));
    values_.clear();
  }

  std::unique_ptr<RowFile> file_;
  std::vector<float> values_;
};

}  // namespace

Json to_json(const RowVerdict& v) {
  Json j{{"row", v.row}, {"score", v.score}, {"p_value", v.p_value}, {"alarm", v.alarm}};
  if (v.label >= 0) j["label"] = v.label;
  j["causes"] = Json::array();
  for (const auto& cause : v.causes) {
    j["causes"].push_back({{"name", cause.name},
                           {"value", cause.value},
                           {"expected", cause.expected},
                           {"excess", cause.excess}});
  }
  return j;
}

ComponentNames::ComponentNames(const Schema& schema)
    : schema_(schema), names_(column_names(schema)) {
  if (is_text(schema)) tokens_ = schema.vocabulary();
  if (schema.kind != Kind::kTable) {
    states_ = series_roles_from(schema.detail).states;
    origin_ = schema.origin();
    return;
  }
  for (auto& column : columns_of(schema)) cells_.emplace_back(std::move(column));
}

std::string ComponentNames::name(int64_t component) const {
  const auto& shape = schema_.shape;
  const auto columns = static_cast<int64_t>(names_.size());
  if (shape.size() == 3) {
    const int64_t plane = shape[1] * shape[2], pixel = component % plane;
    const auto place =
        "pixel " + std::to_string(pixel / shape[2]) + "," + std::to_string(pixel % shape[2]);
    return shape[0] == 1 ? place : place + " channel " + std::to_string(component / plane);
  }
  if (!tokens_.empty()) return "token " + std::to_string(component + 1);
  if (columns == 0) return "x" + std::to_string(component);
  const auto& name = names_[static_cast<size_t>(component % columns)];
  const int64_t before = (numel(shape) - 1 - component) / columns;  // of a window of steps
  return before > 0 ? name + " (" + std::to_string(before) + " before)" : name;
}

std::string ComponentNames::value(int64_t component, double value) const {
  if (!tokens_.empty()) {
    const auto id = static_cast<size_t>(std::isfinite(value) ? value : 0);
    if (id == kEndToken) return std::isfinite(value) ? "the end" : "";
    return id < tokens_.size() ? "\"" + tokens_[id] + "\"" : "";
  }
  if (cells_.empty()) return number_value(component, value);
  return cells_[static_cast<size_t>(component)].text(value);
}

/// A number of the data: a word where the column's are states, and whole where it lies far from
/// zero.
std::string ComponentNames::number_value(int64_t component, double value) const {
  if (!states_.empty() && !names_.empty()) {
    const auto at = states_.find(names_[static_cast<size_t>(component) % names_.size()]);
    const double place = std::round(value);
    if (at != states_.end() && place == value && place >= 0 &&
        place < static_cast<double>(at->second.size())) {
      return at->second[static_cast<size_t>(place)];
    }
  }
  const double origin = origin_.defined() ? origin_.data_ptr<double>()[component] : 0;
  if (origin == 0 && std::abs(value) < 1e6) return number_text(value);
  // As many digits as a float has, beside those of its origin.
  const int precision = origin == 0 ? 9 : 12;
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value + origin,
                                 std::chars_format::general, precision)
                       .ptr;
  return {digits, end};
}

std::string ComponentNames::true_value(int64_t component, double value) const {
  if (cells_.empty()) return this->value(component, value);
  if (!std::isfinite(value)) return "";
  return cells_[static_cast<size_t>(component)].true_text(value);
}

std::vector<Cause> strongest_causes(const ComponentNames& names, const Tensor& x,
                                    const RowScorer::Causes& causes, int64_t row, int64_t most,
                                    const RowSource& source) {
  const auto flat = [row](const Tensor& t) {
    return t[row].flatten().to(torch::kCPU, torch::kFloat64).contiguous();
  };
  const auto excess = flat(causes.excess), expected = flat(causes.expected), value = flat(x);
  const auto expects = [&](int64_t at) {
    const double e = expected[at].item<double>();
    return std::isnan(e) && !names.has_tokens() ? "" : names.value(at, e);
  };
  std::vector<Cause> list;
  for (const auto& odd : source.odd) {
    if (static_cast<int64_t>(list.size()) == most) return list;
    list.push_back({odd.name, odd.text, odd.component < 0 ? odd.expected : expects(odd.component),
                    source.odd_excess});
  }
  const int64_t count = std::min(most - static_cast<int64_t>(list.size()), excess.numel());
  const auto top = std::get<1>(excess.topk(count));
  for (int64_t i = 0; i < count; ++i) {
    const auto at = top[i].item<int64_t>();
    const double e = excess[at].item<double>();
    if (!(e > 0)) break;
    const auto said = source.text ? source.text(at) : "";
    list.push_back({names.name(at),
                    said.empty() ? names.true_value(at, value[at].item<double>()) : said,
                    expects(at), e});
  }
  return list;
}

void check_verdict_file(const std::string& path) {
  check(is_row_file(path), "[score] ", path, ": unknown ending; known: .csv, .npy, .tsv");
}

std::unique_ptr<VerdictFile> create_verdict_file(const std::string& path, int64_t rows,
                                                 int64_t causes, bool labels) {
  check_verdict_file(path);
  if (path.ends_with(".npy")) return std::make_unique<VerdictNumbers>(path, rows);
  return std::make_unique<VerdictText>(path, causes, labels, path.ends_with(".csv") ? ',' : '\t');
}

}  // namespace elbo
