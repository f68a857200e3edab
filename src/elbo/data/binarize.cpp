#include "elbo/data/rows.h"
#include "elbo/kernels/bytes.h"
#include "elbo/kernels/parallel.h"

namespace elbo {
namespace {

/// Bytes as draws of Bernoulli(x/255), or at one half. A row draws at its own positions of the
/// stream, so order, batch size and threads change nothing.
class Binarized : public DataAround {
 public:
  Binarized(Data data, std::string how) : DataAround(std::move(data)), how_(std::move(how)) {
    shows_bytes_ = size() > 0 && DataAround::bytes(0);
    const auto schema = inside().schemas().x;
    check(schema.kind == Kind::kByte, "[binarize] ", how_, ": the data are ", schema.kind,
          ", only bytes can be binarized");
    shape_ = schema.shape;
    width_ = numel(shape_);
  }

  Schemas schemas() const override {
    auto schemas = DataAround::schemas();
    schemas.x.kind = Kind::kBinary;
    schemas.x.detail["binarize"] = how_;
    return schemas;
  }

  /// Bits are no bytes any more.
  const uint8_t* bytes(int64_t) const override { return nullptr; }

  Batch get(const Tensor& rows, const Draw& draw) const override {
    const auto checked = checked_rows(rows, size());
    const auto* row = checked.data_ptr<int64_t>();
    const uint64_t key = (how_ == "dynamic" ? draw : Draw{}).key("binarize");
    Batch batch;
    Tensor copy;  // where the data cannot show their bytes
    if (shows_bytes_) {
      batch = get_rest(checked);
    } else {
      batch = inside().get(checked, draw);
      copy = (batch.x * 255).round().to(torch::kUInt8).contiguous();
    }
    batch.x = torch::empty(with_rows(checked.size(0), shape_), torch::kFloat32);
    auto* out = batch.x.data_ptr<float>();
    const auto* copied = copy.defined() ? copy.data_ptr<uint8_t>() : nullptr;
    const int64_t bytes = width_ * static_cast<int64_t>(1 + sizeof(float));
    kernels::over_items(checked.size(0), bytes, [&](int64_t from, int64_t to) {
      for (int64_t r = from; r < to; ++r) {
        const auto* in = copied ? copied + r * width_ : DataAround::bytes(row[r]);
        binarize_row(in, out + r * width_, key, row[r]);
      }
    });
    return batch;
  }

 private:
  void binarize_row(const uint8_t* in, float* out, uint64_t key, int64_t row) const {
    how_ == "threshold" ? threshold_bytes(in, out, width_)
                        : bernoulli_bytes(in, out, width_, key, row);
  }

  std::string how_;
  bool shows_bytes_ = false;
  Shape shape_;
  int64_t width_ = 1;
};

}  // namespace

Data binarized(Data data, const std::string& how) {
  if (how == "none") return data;
  check(how == "dynamic" || how == "static" || how == "threshold", "[binarize] unknown \"", how,
        "\"; known: dynamic, none, static, threshold");
  return std::make_shared<Binarized>(std::move(data), how);
}

}  // namespace elbo
