#include "elbo/io/row_file.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "elbo/core/error.h"
#include "elbo/io/csv.h"
#include "elbo/io/file.h"
#include "elbo/io/npy.h"
#include "elbo/io/row_sink.h"

namespace elbo {
namespace {

std::string extension(const std::string& path) {
  return std::filesystem::path(path).extension().string();
}

/// Counts the rows, so that a file never claims what it does not hold.
class Counted : public RowFile {
 public:
  Counted(const std::string& path, RowPlan plan) : plan_(std::move(plan)), file_(path) {}

  void append(const Tensor& rows) override {
    auto plain = rows.detach().to(torch::kCPU, type()).contiguous();
    if (plan_.origin.defined()) plain = plain + plan_.origin;
    assert(plain.numel() == plain.size(0) * numel(plan_.shape));
    written_ += plain.size(0);
    write(plain.view({plain.size(0), numel(plan_.shape)}));
  }

  void commit() override {
    assert(written_ == plan_.rows);
    file_.commit();
  }

 protected:
  virtual void write(const Tensor& rows) = 0;
  torch::ScalarType type() const {
    if (plan_.origin.defined()) return torch::kFloat64;
    return plan_.whole ? torch::kInt64 : torch::kFloat32;
  }

  const RowPlan plan_;
  AtomicFile file_;

 private:
  int64_t written_ = 0;
};

/// NumPy's format, version 1.0.
class NpyFile : public Counted {
 public:
  NpyFile(const std::string& path, RowPlan plan) : Counted(path, std::move(plan)) {
    Shape shape = plan_.shape;
    shape.insert(shape.begin(), plan_.rows);
    file_.write(npy_header(type(), shape));
  }

 protected:
  void write(const Tensor& rows) override {
    file_.write({static_cast<const char*>(rows.data_ptr()), rows.nbytes()});
  }
};

class TextFile : public Counted {
 public:
  TextFile(const std::string& path, RowPlan plan, char separator)
      : Counted(path, std::move(plan)), separator_(separator) {
    std::string header;
    if (plan_.row_name) header = csv_cell(plan_.row_column, separator_) + separator_;
    for (int64_t i = 0; i < numel(plan_.shape); ++i) {
      if (i > 0) header += separator_;
      header += plan_.columns.empty() ? "x" + std::to_string(i)
                                      : csv_cell(plan_.columns.at(i), separator_);
    }
    file_.write(header + "\n");
  }

 protected:
  void write(const Tensor& rows) override {
    std::string text;
    for (int64_t r = 0; r < rows.size(0); ++r) {
      if (plan_.row_name) text += csv_cell(plan_.row_name(next_++), separator_) + separator_;
      for (int64_t i = 0; i < rows.size(1); ++i) {
        if (i > 0) text += separator_;
        const int64_t at = r * rows.size(1) + i;
        if (i == 0 && !plan_.classes.empty()) {
          append_class(text, rows.data_ptr<float>()[at]);
        } else if (plan_.whole) {
          text += std::to_string(rows.data_ptr<int64_t>()[at]);
        } else if (plan_.origin.defined()) {
          append_far_number(text, rows.data_ptr<double>()[at]);
        } else {
          append_number(text, rows.data_ptr<float>()[at]);
        }
      }
      text += '\n';
    }
    file_.write(text);
  }

 private:
  /// The word of a class; -1 where there is none, or nothing where a class is called so.
  void append_class(std::string& text, float value) const {
    const auto& classes = plan_.classes;
    if (value >= 0) {
      text += csv_cell(classes.at(static_cast<size_t>(value)), separator_);
    } else if (std::find(classes.begin(), classes.end(), "-1") == classes.end()) {
      text += "-1";
    }
  }

  /// The shortest text that reads back as the same float; an absent value is an empty cell.
  static void append_number(std::string& text, float value) {
    if (std::isnan(value)) return;
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    text.append(digits, end);
  }

  /// All digits that float32 beside an origin has; more would only show its rounding.
  static void append_far_number(std::string& text, double value) {
    if (std::isnan(value)) return;
    constexpr int kDigits = 15;
    char digits[32];
    const auto end =
        std::to_chars(digits, digits + sizeof digits, value, std::chars_format::general, kDigits)
            .ptr;
    text.append(digits, end);
  }

  char separator_;
  int64_t next_ = 0;
};

}  // namespace

bool is_row_file(const std::string& path) {
  const auto kind = extension(path);
  return kind == ".npy" || kind == ".csv" || kind == ".tsv";
}

std::unique_ptr<RowFile> create_row_file(const std::string& path, RowPlan plan) {
  check(is_row_file(path), "[file] ", path, ": unknown ending \"", extension(path),
        "\"; known: .csv, .npy, .tsv");
  if (auto sink = sink_file(path, plan)) return sink;
  const auto kind = extension(path);
  if (kind == ".npy") return std::make_unique<NpyFile>(path, std::move(plan));
  return std::make_unique<TextFile>(path, std::move(plan), kind == ".csv" ? ',' : '\t');
}

}  // namespace elbo
