#include "elbo/coding/array_form.h"

#include <algorithm>

#include "elbo/core/error.h"

namespace elbo {
namespace {

std::string elements(const Tensor& x, unsigned char one, bool channels_last) {
  const auto ordered = channels_last ? x.permute({0, 2, 3, 1}) : x;
  const auto bytes = (ordered.to(torch::kFloat64) * static_cast<double>(one))
                         .round()
                         .clamp(0, 255)
                         .to(torch::kUInt8)
                         .contiguous();
  return {static_cast<const char*>(bytes.data_ptr()), static_cast<size_t>(bytes.numel())};
}

}  // namespace

std::unique_ptr<FileForm> ArrayForm::of(std::string_view bytes, const Batch& rows) {
  const auto count = static_cast<size_t>(rows.x.numel());
  if (count == 0 || bytes.size() < count) return nullptr;
  const auto content = bytes.substr(bytes.size() - count);
  for (const unsigned char one : {255, 1}) {
    for (const bool last : {false, true}) {
      if (last && rows.x.dim() != 4) continue;
      if (elements(rows.x, one, last) != content) continue;
      std::string side(1, static_cast<char>(one));
      side += bytes.substr(0, bytes.size() - count);
      return std::make_unique<ArrayForm>(std::move(side), last);
    }
  }
  return nullptr;
}

std::string ArrayForm::bytes(const Batch& rows) const {
  check(!side_.empty(), "[decompress] array: its header is missing");
  check(!channels_last_ || rows.x.dim() == 4, "[decompress] array: its rows are not pictures");
  return side_.substr(1) + elements(rows.x, static_cast<unsigned char>(side_[0]), channels_last_);
}

}  // namespace elbo
