#include "elbo/data/memory_source.h"

#include <atomic>
#include <charconv>
#include <cmath>
#include <map>
#include <mutex>

#include "elbo/core/error.h"
#include "elbo/io/csv.h"

namespace elbo {
namespace {

constexpr const char* kMemory = "memory:";

struct KnownSources {
  std::mutex mutex;
  std::map<std::string, std::weak_ptr<const MemorySource>> by_name;
};

KnownSources& known_sources() {
  static KnownSources known;
  return known;
}

template <class T>
std::string spelled(T value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  return {digits, end};
}

template <class T>
std::string spelled_float(T value) {
  return std::isnan(value) ? "" : spelled(value);
}

/// The shortest text that reads back as the same number; nothing for NaN.
std::string spelled_number(const Tensor& numbers, int64_t row) {
  const auto type = numbers.scalar_type();
  if (type == torch::kInt64) return spelled(numbers.data_ptr<int64_t>()[row]);
  if (type == torch::kFloat64) return spelled_float(numbers.data_ptr<double>()[row]);
  return spelled_float(numbers.data_ptr<float>()[row]);
}

/// The columns' names, then a record for each row.
class MemoryRecords : public Records {
 public:
  MemoryRecords(const std::string& name, std::shared_ptr<const MemorySource> source)
      : Records(name), source_(std::move(source)), cells_(source_->columns.size()) {}

  bool next() override {
    if (row_ >= source_->rows) return false;
    for (size_t i = 0; i < cells_.size(); ++i) {
      const auto& column = *source_->columns[i];
      cells_[i] = row_ < 0 ? column.name : cell_of(column);
    }
    ++row_;
    raw_.clear();
    return true;
  }
  int64_t size() const override { return static_cast<int64_t>(cells_.size()); }
  std::string_view cell(int64_t i) const override { return cells_[static_cast<size_t>(i)]; }
  std::string_view raw(int64_t i) const override {
    if (raw_.empty()) {
      for (const auto& cell : cells_) raw_.push_back(csv_cell(cell, delimiter()));
    }
    return raw_[static_cast<size_t>(i)];
  }
  int64_t line() const override { return row_; }
  std::string unit() const override { return "row"; }
  bool names_first() const override { return true; }

 private:
  std::string cell_of(const MemoryColumn& column) const {
    const auto row = static_cast<size_t>(row_);
    if (!column.valid.empty() && column.valid[row] == 0) return "";
    if (column.numbers.defined()) return spelled_number(column.numbers, row_);
    const auto from = static_cast<size_t>(column.offsets[row]);
    return column.bytes.substr(from, static_cast<size_t>(column.offsets[row + 1]) - from);
  }

  std::shared_ptr<const MemorySource> source_;
  int64_t row_ = -1;  // the next one; -1: the names
  std::vector<std::string> cells_;
  mutable std::vector<std::string> raw_;
};

}  // namespace

NamedSource::NamedSource(MemorySource source)
    : source_(std::make_shared<const MemorySource>(std::move(source))) {
  static std::atomic<int64_t> count{0};
  const auto name = (source_->x.defined() ? "array#" : "table#") + std::to_string(++count);
  data_ = kMemory + name;
  auto& known = known_sources();
  const std::lock_guard lock(known.mutex);
  known.by_name[name] = source_;
}

NamedSource::~NamedSource() {
  auto& known = known_sources();
  const std::lock_guard lock(known.mutex);
  known.by_name.erase(data_.substr(std::char_traits<char>::length(kMemory)));
}

std::shared_ptr<const MemorySource> memory_source(const std::string& name) {
  auto& known = known_sources();
  const std::lock_guard lock(known.mutex);
  const auto at = known.by_name.find(name);
  return at == known.by_name.end() ? nullptr : at->second.lock();
}

std::unique_ptr<Records> memory_records(const std::string& name) {
  auto source = memory_source(name);
  if (!source || source->x.defined()) return nullptr;
  return std::make_unique<MemoryRecords>(name, std::move(source));
}

}  // namespace elbo
