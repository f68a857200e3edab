#pragma once

#include "elbo/coding/file_form.h"

namespace elbo {

/// Bytes of an array behind a header, as .npy and IDX files have them: one byte for each number of
/// x, 0 to 255, or 0 and one other for bits; the channels of pictures first or last.
class ArrayForm : public FileForm {
 public:
  /// Null where the file is none of these.
  static std::unique_ptr<FileForm> of(std::string_view bytes, const Batch& rows);
  ArrayForm(std::string side, bool channels_last)
      : side_(std::move(side)), channels_last_(channels_last) {}
  std::string kind() const override { return channels_last_ ? "array_channels_last" : "array"; }
  std::string side() const override { return side_; }
  std::string bytes(const Batch& rows) const override;

 private:
  std::string side_;  // the byte that stands for 1, then the header
  bool channels_last_;
};

}  // namespace elbo
