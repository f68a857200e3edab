#pragma once

#include <cstdint>

namespace elbo {

/// While one lives, networks over pictures of any size keep what they compute in this thread within
/// about so many bytes: beyond it they go through a picture in bands, with the same result.
class PictureMemory {
 public:
  explicit PictureMemory(int64_t bytes) : before_(bytes_) { bytes_ = bytes; }
  ~PictureMemory() { bytes_ = before_; }
  PictureMemory(const PictureMemory&) = delete;
  PictureMemory& operator=(const PictureMemory&) = delete;

  /// 0 = no limit.
  static int64_t bytes() { return bytes_; }

 private:
  static inline thread_local int64_t bytes_ = 0;
  const int64_t before_;
};

}  // namespace elbo
