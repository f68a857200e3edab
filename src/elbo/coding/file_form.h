#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "elbo/train/run.h"

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

/// A file as compress writes it.
struct FileRows {
  std::unique_ptr<FileForm> form;
  Batch rows;
  Json report = Json::object();  // what a user hears of the file
  std::string kept = {};  // a side that is the whole file, for where rows cost more; empty = none
};
/// Of the bytes (unpacked where the file is) that DATA of the command line names. Raises an Error
/// where no form gives the file again.
FileRows file_rows(std::string_view bytes, const Run& run, const std::string& data);
/// A form from what it left. Raises an Error of what does not fit.
std::unique_ptr<FileForm> form_from(const std::string& kind, std::string side,
                                    const Schemas& schemas);

}  // namespace elbo
