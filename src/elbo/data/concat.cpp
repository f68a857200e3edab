#include <algorithm>
#include <limits>

#include "elbo/data/rows.h"

namespace elbo {
namespace {

class Concat : public Dataset, public ByteRows {
 public:
  explicit Concat(std::vector<Data> parts) : parts_(std::move(parts)) {
    check(!parts_.empty(), "[data] nothing to put together");
    schemas_ = parts_[0]->schemas();
    for (const auto& part : parts_) {
      const auto schemas = part->schemas();
      check_fits(schemas.x, schemas_.x, "data");
      check_fits(schemas.c, schemas_.c, "data");
      check_fits(schemas.target, schemas_.target, "data");
      if (schemas.y.present() && !schemas_.y.present()) schemas_.y = schemas.y;
      if (schemas.y.present()) check_fits(schemas.y, schemas_.y, "data");
      ends_.push_back(size() + part->size());
      bytes_.push_back(dynamic_cast<const ByteRows*>(part.get()));
      all_bytes_ = all_bytes_ && bytes_.back() && part->size() > 0 && bytes_.back()->bytes(0);
    }
  }

  int64_t size() const override { return ends_.empty() ? 0 : ends_.back(); }
  Schemas schemas() const override { return schemas_; }
  Tensor factors() const override {
    std::vector<Tensor> all;
    for (const auto& part : parts_) {
      all.push_back(part->factors());
      if (!all.back().defined() || all.back().size(1) != all[0].size(1)) return Tensor();
    }
    return torch::cat(all);
  }
  /// Parts without weights count once for each row.
  Tensor weights() const override {
    std::vector<Tensor> all;
    bool any = false;
    for (const auto& part : parts_) {
      all.push_back(part->weights());
      any = any || all.back().defined();
      if (!all.back().defined()) all.back() = torch::ones({part->size()}, torch::kFloat64);
    }
    return any ? torch::cat(all) : Tensor();
  }
  std::string row_name(int64_t row) const override {
    const size_t p = part_of(row);
    return parts_[p]->row_name(row - first(p));
  }
  Batch get(const Tensor& rows, const Draw& draw) const override {
    return gather(rows, [&](size_t p, const Tensor& inner) { return parts_[p]->get(inner, draw); });
  }
  Batch get_rest(const Tensor& rows) const override {
    return gather(rows, [&](size_t p, const Tensor& inner) { return bytes_[p]->get_rest(inner); });
  }
  const uint8_t* bytes(int64_t row) const override {
    if (!all_bytes_) return nullptr;
    const size_t p = part_of(row);
    return bytes_[p]->bytes(row - first(p));
  }

 private:
  size_t part_of(int64_t row) const {
    return std::upper_bound(ends_.begin(), ends_.end(), row) - ends_.begin();
  }
  int64_t first(size_t part) const { return part ? ends_[part - 1] : 0; }

  /// Asks every part once for its rows, then puts them where they were asked for.
  template <class Get>
  Batch gather(const Tensor& rows, const Get& get) const {
    const auto checked = checked_rows(rows, size());
    const auto* row = checked.template data_ptr<int64_t>();
    std::vector<std::vector<int64_t>> inner(parts_.size()), outer(parts_.size());
    for (int64_t i = 0; i < checked.size(0); ++i) {
      const size_t p = part_of(row[i]);
      inner[p].push_back(row[i] - first(p));
      outer[p].push_back(i);
    }
    Batch all;
    for (size_t p = 0; p < parts_.size(); ++p) {
      if (inner[p].empty() && !(checked.size(0) == 0 && p == 0)) continue;
      const auto part = get(p, torch::tensor(inner[p], torch::kInt64));
      const auto to = torch::tensor(outer[p], torch::kInt64);
      put(all.x, part.x, to, checked.size(0), 0);
      put(all.mask, part.mask, to, checked.size(0), 1);  // without a mask all is observed
      put(all.c, part.c, to, checked.size(0), 0);
      put(all.target, part.target, to, checked.size(0), std::numeric_limits<double>::quiet_NaN());
      put(all.y, part.y, to, checked.size(0), -1);  // without labels all are unknown
    }
    return all;
  }
  static void put(Tensor& all, const Tensor& part, const Tensor& to, int64_t rows, double absent) {
    if (!part.defined()) return;
    if (!all.defined()) {
      auto shape = part.sizes().vec();
      shape[0] = rows;
      all = torch::full(shape, absent, part.options());
    }
    all.index_copy_(0, to, part);
  }

  std::vector<Data> parts_;
  std::vector<const ByteRows*> bytes_;
  std::vector<int64_t> ends_;
  Schemas schemas_;
  bool all_bytes_ = true;
};

}  // namespace

Data concat(std::vector<Data> parts) { return std::make_shared<Concat>(std::move(parts)); }

}  // namespace elbo
