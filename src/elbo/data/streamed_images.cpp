#include "elbo/data/streamed_images.h"

#include <algorithm>
#include <cstring>
#include <thread>

#include "elbo/data/open.h"
#include "elbo/data/picture_pixels.h"
#include "elbo/data/read_ahead.h"
#include "elbo/data/reader.h"
#include "elbo/data/rows.h"
#include "elbo/kernels/parallel.h"

namespace elbo {
namespace {

constexpr int64_t kNeighbours = 16;  // neighbours on the disk that one block of the shuffle holds
constexpr int kMostThreads = 16;

class StreamedImages : public Dataset, public StreamedRows {
 public:
  StreamedImages(std::shared_ptr<const PictureSource> source, Tensor y,
                 const std::vector<std::string>& classes, const DataOptions& options,
                 const std::vector<std::string>& notes, int64_t ahead)
      : source_(std::move(source)), y_(std::move(y)), options_(options) {
    how_.depth = options.reader.value("depth", how_.depth);
    how_.exif = options.reader.value("exif", how_.exif);
    size_ = kept_rows(options, source_->size());
    const auto first = picture(0);
    shape_ = first.sizes().vec();
    schemas_.x = {shape_, Kind::kByte, Json::object()};
    if (!notes.empty()) schemas_.x.detail["notes"] = notes;
    if (y_.defined()) schemas_.y = category_schema(classes);
    const int threads =
        std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMostThreads);
    const auto most = std::max<int64_t>(1, ahead / first.numel());
    ahead_ = std::make_unique<ReadAhead>([this](int64_t row) { return pixels(row); },
                                         static_cast<size_t>(most), threads);
  }

  int64_t size() const override { return size_; }
  Schemas schemas() const override { return schemas_; }
  std::string row_name(int64_t row) const override { return source_->name(row); }

  Batch get(const Tensor& rows, const Draw&) const override {
    const auto checked = checked_rows(rows, size_);
    const int64_t n = checked.size(0), width = numel(shape_);
    auto bytes = torch::empty(with_rows(n, shape_), torch::kUInt8);
    auto* out = bytes.data_ptr<uint8_t>();
    const auto* row = checked.data_ptr<int64_t>();
    std::vector<int64_t> missing;
    for (int64_t i = 0; i < n; ++i) {
      const auto made = ahead_->take(row[i]);
      if (made) {
        std::memcpy(out + i * width, made->data(), static_cast<size_t>(width));
      } else {
        missing.push_back(i);
      }
    }
    kernels::over_ranges(0, static_cast<int64_t>(missing.size()), 1, [&](int64_t from, int64_t to) {
      for (int64_t m = from; m < to; ++m) {
        const int64_t i = missing[static_cast<size_t>(m)];
        const auto made = pixels(row[i]);
        std::memcpy(out + i * width, made.data(), static_cast<size_t>(width));
      }
    });
    Batch batch;
    batch.x = bytes.to(torch::kFloat32).div_(255);
    if (y_.defined()) batch.y = y_.index_select(0, checked);
    return batch;
  }

  std::vector<int64_t> blocks() const override {
    std::vector<int64_t> starts;
    for (int64_t row = 0; row < size_; row += kNeighbours) starts.push_back(row);
    return starts;
  }
  Tensor labels() const override { return y_.defined() ? y_.narrow(0, 0, size_) : y_; }
  void expect(const Tensor& rows) const override {
    const auto checked = checked_rows(rows, size_);
    const auto* row = checked.data_ptr<int64_t>();
    ahead_->expect({row, row + checked.size(0)});
  }

 private:
  Tensor picture(int64_t row) const {
    return decode_to_bytes(source_->encoded(row), source_->name(row), how_, options_);
  }

  ReadAhead::Bytes pixels(int64_t row) const {
    auto image = picture(row);
    const bool gray =
        image.size(0) == 1 && image.sizes().slice(1) == torch::IntArrayRef(shape_).slice(1);
    if (gray) image = image.expand(shape_);
    check(image.sizes() == shape_, "[images] ", source_->name(row), ": ",
          to_string(image.sizes().vec()), " (channels x height x width), the first has ",
          to_string(shape_), "; --resize HEIGHTxWIDTH makes the sizes equal");
    const auto plain = image.contiguous();
    const auto* from = plain.data_ptr<uint8_t>();
    return {from, from + plain.numel()};
  }

  std::shared_ptr<const PictureSource> source_;
  Tensor y_;
  DataOptions options_;
  PictureOptions how_;
  int64_t size_ = 0;
  Shape shape_;
  Schemas schemas_;
  std::unique_ptr<ReadAhead> ahead_;
};

}  // namespace

Data streamed_images(std::shared_ptr<const PictureSource> source, Tensor y,
                     const std::vector<std::string>& classes, const DataOptions& options,
                     const std::vector<std::string>& notes, int64_t ahead) {
  return std::make_shared<StreamedImages>(std::move(source), std::move(y), classes, options, notes,
                                          ahead);
}

}  // namespace elbo
