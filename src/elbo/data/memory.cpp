#include <algorithm>
#include <limits>

#include "elbo/core/shuffle.h"
#include "elbo/data/block_order.h"
#include "elbo/data/rows.h"
#include "elbo/kernels/bytes.h"

namespace elbo {
namespace {

class InMemory : public Dataset, public ByteRows {
 public:
  explicit InMemory(Arrays arrays) : a_(std::move(arrays)) {
    check(a_.x.defined() && a_.x.dim() >= 1, "[data] x is missing");
    for (Tensor* t : {&a_.x, &a_.mask, &a_.c, &a_.y, &a_.factors, &a_.target}) {
      if (!t->defined()) continue;
      *t = t->to(torch::kCPU).contiguous();
      check(t->dim() >= 1 && t->size(0) == size(), "[data] x holds ", size(),
            " rows, another part ", t->dim() ? t->size(0) : 0);
    }
    check_shape(a_.x, a_.schemas.x, "x");
    check_shape(a_.c, a_.schemas.c, "c");
    check_shape(a_.target, a_.schemas.target, "target");
    check(!a_.mask.defined() || a_.mask.sizes() == a_.x.sizes(),
          "[data] mask is not shaped like x");
    check(!a_.y.defined() || a_.y.dim() == 1, "[data] y: expected one label per row");
    if (a_.y.defined()) a_.y = a_.y.to(torch::kInt64);
    check(a_.names.empty() || static_cast<int64_t>(a_.names.size()) == size(), "[data] ",
          a_.names.size(), " row names for ", size(), " rows");
    byte_ = a_.schemas.x.kind == Kind::kByte && a_.x.scalar_type() == torch::kUInt8;
    width_ = numel(a_.schemas.x.shape);
  }

  int64_t size() const override { return a_.x.size(0); }
  Schemas schemas() const override { return a_.schemas; }
  Tensor factors() const override { return a_.factors; }
  std::string row_name(int64_t row) const override {
    return a_.names.empty() ? std::to_string(row) : a_.names.at(row);
  }

  Batch get(const Tensor& rows, const Draw&) const override {
    const auto checked = checked_rows(rows, size());
    auto batch = get_rest(checked);
    batch.x = gather_floats(a_.x, checked, byte_);
    return batch;
  }

  Batch get_rest(const Tensor& rows) const override {
    const auto checked = checked_rows(rows, size());
    Batch batch;
    batch.mask = gather_floats(a_.mask, checked);
    batch.c = gather_floats(a_.c, checked);
    batch.target = gather_floats(a_.target, checked);
    if (a_.y.defined()) batch.y = a_.y.index_select(0, checked);
    return batch;
  }

  const uint8_t* bytes(int64_t row) const override {
    return byte_ ? a_.x.data_ptr<uint8_t>() + row * width_ : nullptr;
  }

 private:
  static void check_shape(const Tensor& t, const Schema& schema, const char* name) {
    check(t.defined() == schema.present(), "[data] ", name,
          ": tensor without schema, or the reverse");
    if (!t.defined()) return;
    check(t.sizes() == with_rows(t.size(0), schema.shape), "[data] ", name, ": tensor of ",
          to_string(t.sizes().vec()), ", schema of ", to_string(schema.shape));
  }

  Arrays a_;
  bool byte_ = false;
  int64_t width_ = 1;
};

template <class Row>
void check_within(const Row* row, int64_t count, int64_t size) {
  for (int64_t i = 0; i < count; ++i) {
    check(row[i] >= 0 && row[i] < size, "[data] row ", row[i], ": the data hold ", size, " rows");
  }
}

class Subset : public DataAround {
 public:
  Subset(Data data, Tensor rows) : DataAround(std::move(data)), rows_(std::move(rows)) {
    if (is_short()) {
      check_within(rows_.data_ptr<int32_t>(), size(), inside().size());
    } else {
      rows_ = checked_rows(rows_, inside().size());
    }
  }

  int64_t size() const override { return rows_.size(0); }
  Tensor factors() const override { return chosen(DataAround::factors()); }
  Tensor weights() const override { return chosen(DataAround::weights()); }
  std::string row_name(int64_t row) const override { return DataAround::row_name(inner(row)); }
  std::vector<OddCell> odd_cells(int64_t row) const override {
    return DataAround::odd_cells(inner(row));
  }
  std::string cell_text(int64_t row, int64_t component) const override {
    return DataAround::cell_text(inner(row), component);
  }
  Batch get(const Tensor& rows, const Draw& draw) const override {
    return DataAround::get(inner(rows), draw);
  }
  std::vector<int64_t> blocks() const override {
    const auto all = size() > 0 ? DataAround::blocks() : std::vector<int64_t>();
    return all.empty() ? all : blocks_within(all);
  }
  void expect(const Tensor& rows) const override {
    if (streamed(inside())) DataAround::expect(inner(rows));
  }
  Tensor labels() const override { return chosen(DataAround::labels()); }
  Batch get_rest(const Tensor& rows) const override { return DataAround::get_rest(inner(rows)); }
  const uint8_t* bytes(int64_t row) const override { return DataAround::bytes(inner(row)); }

 private:
  Tensor chosen(const Tensor& all) const {
    return all.defined() ? all.index_select(0, rows_) : all;
  }
  bool is_short() const { return rows_.scalar_type() == torch::kInt32; }
  int64_t inner(int64_t row) const {
    return is_short() ? rows_.data_ptr<int32_t>()[row] : rows_.data_ptr<int64_t>()[row];
  }
  Tensor inner(const Tensor& rows) const {
    return rows_.index_select(0, checked_rows(rows, size())).to(torch::kInt64);
  }

  /// The blocks that have rows here; rows out of order have none.
  std::vector<int64_t> blocks_within(const std::vector<int64_t>& starts) const {
    const auto rows = rows_.to(torch::kInt64);
    const auto* first = rows.data_ptr<int64_t>();
    const auto* end = first + size();
    std::vector<int64_t> own;
    if (!std::is_sorted(first, end)) return own;
    for (const int64_t start : starts) {
      const int64_t place = std::lower_bound(first, end, start) - first;
      if (place < size() && (own.empty() || own.back() < place)) own.push_back(place);
    }
    return own;
  }

  Tensor rows_;
};

/// Rows that count by being there more than once count the same.
class Counted : public DataAround {
 public:
  using DataAround::DataAround;
  Tensor weights() const override { return Tensor(); }
};

}  // namespace

Tensor checked_rows(const Tensor& rows, int64_t size) {
  check(rows.dim() == 1 && rows.scalar_type() == torch::kInt64,
        "[data] rows: expected a vector of int64");
  const auto plain = rows.to(torch::kCPU).contiguous();
  check_within(plain.data_ptr<int64_t>(), plain.size(0), size);
  return plain;
}

Data in_memory(Arrays arrays) { return std::make_shared<InMemory>(std::move(arrays)); }

Data subset(Data data, std::vector<int64_t> rows) {
  return subset_of(std::move(data), rows_tensor(std::move(rows)));
}

Data subset_of(Data data, Tensor rows) {
  return std::make_shared<Subset>(std::move(data), std::move(rows));
}

Data counted_rows(Data data, uint64_t key) {
  const auto weights = data->weights();
  if (!weights.defined()) return data;
  return std::make_shared<Counted>(subset(std::move(data), rows_by_weight(weights, key)));
}

Data some_rows(Data data, int64_t most, uint64_t key) {
  if (data->size() <= most) return data;
  std::vector<int64_t> rows;
  if (data->size() < std::numeric_limits<int32_t>::max()) {  // half the memory, the same rows
    const auto order = shuffled<int32_t>(data->size(), key);
    rows.assign(order.begin(), order.begin() + most);
  } else {
    rows = permutation(data->size(), key);
    rows.resize(static_cast<size_t>(most));
  }
  return subset(std::move(data), std::move(rows));
}

}  // namespace elbo
