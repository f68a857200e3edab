#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "elbo/data/dataset.h"

namespace elbo {

/// What a file is beside its rows: with them, it gives the file again, byte for byte.
class FileForm {
 public:
  virtual ~FileForm() = default;
  virtual std::string kind() const = 0;
  /// What a later FileForm of this kind is made from.
  virtual std::string side() const = 0;
  /// The whole file.
  virtual std::string bytes(const Batch& rows) const = 0;
};

/// That of a file's bytes (unpacked where the file is), which were read as these rows. Raises an
/// Error where no form gives the file again.
std::unique_ptr<FileForm> form_of(std::string_view bytes, const Dataset& data, const Batch& rows);
/// The same from what it left. Raises an Error of what does not fit.
std::unique_ptr<FileForm> form_from(const std::string& kind, std::string side,
                                    const Schemas& schemas);

}  // namespace elbo
