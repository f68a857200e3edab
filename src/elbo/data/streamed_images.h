#pragma once

#include <memory>
#include <string>
#include <vector>

#include "elbo/data/dataset.h"
#include "elbo/data/open.h"

namespace elbo {

/// Encoded pictures that lie on a disk. Several threads ask at once.
class PictureSource {
 public:
  virtual ~PictureSource() = default;
  virtual int64_t size() const = 0;
  /// The file's bytes.
  virtual std::string encoded(int64_t row) const = 0;
  /// Where it came from, for messages and tables.
  virtual std::string name(int64_t row) const = 0;
};

/// Pictures decoded when they are asked for, and ahead of that by threads of their own. All have
/// the size and the channels of the first, or the size that `options` ask for: another one is an
/// Error naming the picture. At most `ahead` bytes of decoded pictures wait. `y` [N] are labels,
/// undefined = none; `notes` go to the schema.
Data streamed_images(std::shared_ptr<const PictureSource> source, Tensor y,
                     const std::vector<std::string>& classes, const DataOptions& options,
                     const std::vector<std::string>& notes = {}, int64_t ahead = int64_t{1} << 26);

}  // namespace elbo
