#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace elbo {

/// CRC-32C (Castagnoli).
uint32_t crc32c(std::string_view bytes);
/// The masked form that TensorFlow's record files carry.
uint32_t masked_crc32c(std::string_view bytes);

/// Writes scalars as TensorBoard reads them: TFRecord frames of Event messages. Every record is
/// flushed, so a killed program leaves whole records; opening an older file goes on behind its
/// last whole one.
class EventWriter {
 public:
  explicit EventWriter(std::string path);
  ~EventWriter();
  EventWriter(const EventWriter&) = delete;
  EventWriter& operator=(const EventWriter&) = delete;

  /// wall_time: seconds since 1970; negative = now.
  void scalars(int64_t step, const std::vector<std::pair<std::string, double>>& values,
               double wall_time = -1);

 private:
  void write_record(std::string_view event);

  std::string path_;
  std::FILE* file_ = nullptr;
};

/// The payloads of a record file; a damaged one is an Error.
std::vector<std::string> read_records(const std::string& path);

}  // namespace elbo
