#include "elbo/data/row_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "elbo/data/rows.h"

namespace elbo {
namespace {

constexpr size_t kWriteBlock = size_t{1} << 20;
constexpr int64_t kWeightBlock = 1 << 14;  // rows

class StoredTable : public Dataset {
 public:
  StoredTable(std::shared_ptr<RowStore> rows, Schemas schemas,
              std::shared_ptr<const RowTexts> texts)
      : rows_(std::move(rows)), schemas_(std::move(schemas)), texts_(std::move(texts)) {}

  int64_t size() const override { return rows_->size(); }
  Schemas schemas() const override { return schemas_; }
  std::string row_name(int64_t row) const override { return "row " + std::to_string(row + 1); }
  std::vector<OddCell> odd_cells(int64_t row) const override {
    return texts_ ? texts_->odd(row) : std::vector<OddCell>();
  }
  std::string cell_text(int64_t row, int64_t component) const override {
    return texts_ ? texts_->cell(row, component) : "";
  }

  Tensor weights() const override {
    const auto place = numel(schemas_.x.shape) + (schemas_.y.present() ? 1 : 0);
    if (rows_->width() == place) return Tensor();
    auto all = torch::empty({size()}, torch::kFloat64);
    for (int64_t first = 0; first < size(); first += kWeightBlock) {
      const auto last = std::min(first + kWeightBlock, size());
      const auto rows = rows_->rows(torch::arange(first, last, torch::kInt64));
      all.narrow(0, first, last - first).copy_(rows.select(1, place));
    }
    return all;
  }

  Batch get(const Tensor& rows, const Draw&) const override {
    auto all = rows_->rows(checked_rows(rows, size()));
    const auto columns = numel(schemas_.x.shape);
    Batch batch;
    if (schemas_.y.present()) {
      batch.y = all.select(1, columns).nan_to_num(-1).to(torch::kInt64);
    }
    if (all.size(1) > columns) all = all.narrow(1, 0, columns);
    const auto absent = all.isnan();
    batch.x = all.masked_fill(absent, 0);
    if (schemas_.x.missing() || absent.any().item<bool>()) {
      batch.mask = absent.logical_not().to(torch::kFloat32);
    }
    return batch;
  }

 private:
  std::shared_ptr<RowStore> rows_;
  Schemas schemas_;
  std::shared_ptr<const RowTexts> texts_;
};

}  // namespace

int open_nameless() {
  std::error_code ignored;
  const auto folder = std::filesystem::temp_directory_path(ignored).string();
  auto pattern = (folder.empty() ? "/tmp" : folder) + "/elbo-rows-XXXXXX";
  const int file = ::mkstemp(pattern.data());
  check(file >= 0, "[table] ", pattern, ": cannot be created: ", std::strerror(errno),
        " (TMPDIR names the folder for large tables)");
  ::unlink(pattern.c_str());
  return file;
}

RowStore::RowStore(const std::string& path, int64_t width, int64_t rows)
    : width_(width), rows_(rows), written_(rows), most_in_memory_(0) {
  file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  check(file_ >= 0, "[table] ", path, ": ", std::strerror(errno));
  const auto bytes = ::lseek(file_, 0, SEEK_END);
  const auto expected = rows * width * static_cast<int64_t>(sizeof(float));
  if (bytes != expected) ::close(file_);
  check(bytes == expected, "[table] ", path, ": has ", bytes, " bytes, expected ", expected);
}

RowStore::~RowStore() {
  if (file_ >= 0) ::close(file_);
}

void RowStore::append(const std::vector<float>& row) {
  memory_.insert(memory_.end(), row.begin(), row.end());
  ++rows_;
  if (memory_.size() >= (on_disk() ? std::min(kWriteBlock, most_in_memory_) : most_in_memory_))
    write_out();
}

void RowStore::write_out() {
  if (file_ < 0) file_ = open_nameless();
  const char* from = reinterpret_cast<const char*>(memory_.data());
  for (size_t left = memory_.size() * sizeof(float); left > 0;) {
    const ssize_t done = ::write(file_, from, left);
    if (done < 0 && errno == EINTR) continue;
    check(done > 0, "[table] temporary rows cannot be written: ", std::strerror(errno),
          " (TMPDIR names the folder for large tables)");
    from += done;
    left -= static_cast<size_t>(done);
  }
  written_ = rows_;
  std::vector<float>().swap(memory_);
}

Tensor RowStore::rows(const Tensor& which) const {
  auto out = torch::empty({which.size(0), width_});
  auto* to = out.data_ptr<float>();
  const auto* row = which.data_ptr<int64_t>();
  const auto bytes = static_cast<size_t>(width_) * sizeof(float);
  for (int64_t i = 0; i < which.size(0); ++i, to += width_) {
    if (row[i] >= written_) {
      std::memcpy(to, memory_.data() + (row[i] - written_) * width_, bytes);
      continue;
    }
    const auto got = ::pread(file_, to, bytes, static_cast<off_t>(bytes) * row[i]);
    check(got == static_cast<ssize_t>(bytes), "[table] temporary rows cannot be read: ",
          got < 0 ? std::strerror(errno) : "the file is cut");
  }
  return out;
}

Data stored_table(std::shared_ptr<RowStore> rows, Schemas schemas,
                  std::shared_ptr<const RowTexts> texts) {
  return std::make_shared<StoredTable>(std::move(rows), std::move(schemas), std::move(texts));
}

}  // namespace elbo
