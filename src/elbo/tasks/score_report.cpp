#include "elbo/tasks/score_report.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "elbo/core/text.h"
#include "elbo/io/csv.h"
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

/// Where a picture is drawn of all verdicts together.
class NoVerdictFile : public VerdictFile {
 public:
  bool tells_causes() const override { return false; }
  void append(const RowVerdict&) override {}
  void commit() override {}
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

std::vector<Cause> strongest_causes(const Components& names, const Tensor& x,
                                    const RowScorer::Causes& causes, int64_t row, int64_t most,
                                    const ReportedRow& source) {
  const auto flat = [row](const Tensor& t) {
    return t[row].flatten().to(torch::kCPU, torch::kFloat64).contiguous();
  };
  const auto excess = flat(causes.excess), expected = flat(causes.expected), value = flat(x);
  const auto expects = [&](int64_t at) {
    const double e = expected[at].item<double>();
    return std::isnan(e) ? "" : names.value(at, e);
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

bool is_score_picture(const std::string& path) { return path.ends_with(".png"); }

void check_verdict_file(const std::string& path) {
  check(is_row_file(path) || is_score_picture(path), "[score] ", path,
        ": unknown ending; known: .csv, .npy, .png, .tsv");
}

std::unique_ptr<VerdictFile> create_verdict_file(const std::string& path, int64_t rows,
                                                 int64_t causes, bool labels) {
  check_verdict_file(path);
  if (is_score_picture(path)) return std::make_unique<NoVerdictFile>();
  if (path.ends_with(".npy")) return std::make_unique<VerdictNumbers>(path, rows);
  return std::make_unique<VerdictText>(path, causes, labels, path.ends_with(".csv") ? ',' : '\t');
}

}  // namespace elbo
