#include "elbo/data/rows.h"
#include "elbo/kernels/bytes.h"
#include "elbo/kernels/parallel.h"

namespace elbo {
namespace {

/// Bytes as draws of Bernoulli(x/255), or at one half. A row draws at its own positions of the
/// stream, so order, batch size and threads change nothing.
class Binarized : public Dataset, public StreamedRows {
 public:
  Binarized(Data data, std::string how)
      : data_(std::move(data)),
        how_(std::move(how)),
        bytes_(dynamic_cast<const ByteRows*>(data_.get())) {
    if (bytes_ && (size() == 0 || !bytes_->bytes(0))) bytes_ = nullptr;
    const auto schema = data_->schemas().x;
    check(schema.kind == Kind::kByte, "[binarize] ", how_, ": the data are ", schema.kind,
          ", only bytes can be binarized");
    width_ = numel(schema.shape);
  }

  int64_t size() const override { return data_->size(); }
  Tensor factors() const override { return data_->factors(); }
  std::string row_name(int64_t row) const override { return data_->row_name(row); }
  Schemas schemas() const override {
    auto schemas = data_->schemas();
    schemas.x.kind = Kind::kBinary;
    schemas.x.detail["binarize"] = how_;
    return schemas;
  }

  std::vector<int64_t> blocks() const override {
    const auto* rows = streamed(*data_);
    return rows ? rows->blocks() : std::vector<int64_t>();
  }
  Tensor labels() const override { return streamed(*data_)->labels(); }
  void expect(const Tensor& rows) const override {
    if (const auto* inner = streamed(*data_)) inner->expect(rows);
  }

  Batch get(const Tensor& rows, const Draw& draw) const override {
    const auto checked = checked_rows(rows, size());
    const auto* row = checked.data_ptr<int64_t>();
    const uint64_t key = (how_ == "dynamic" ? draw : Draw{}).key("binarize");
    Batch batch;
    Tensor copy;  // where the data cannot show their bytes
    if (bytes_) {
      batch = bytes_->get_rest(checked);
    } else {
      batch = data_->get(checked, draw);
      copy = (batch.x * 255).round().to(torch::kUInt8).contiguous();
    }
    batch.x = torch::empty(with_rows(checked.size(0), data_->schemas().x.shape), torch::kFloat32);
    auto* out = batch.x.data_ptr<float>();
    const auto* copied = copy.defined() ? copy.data_ptr<uint8_t>() : nullptr;
    const int64_t bytes = width_ * static_cast<int64_t>(1 + sizeof(float));
    kernels::over_items(checked.size(0), bytes, [&](int64_t from, int64_t to) {
      for (int64_t r = from; r < to; ++r) {
        const auto* in = copied ? copied + r * width_ : bytes_->bytes(row[r]);
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

  Data data_;
  std::string how_;
  const ByteRows* bytes_;
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
