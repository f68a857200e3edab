#include "elbo/core/tensor.h"
#include "elbo/io/archive.h"
#include "elbo/io/database.h"
#include "elbo/io/file.h"
#include "elbo/io/json_text.h"
#include "elbo/io/npy.h"
#include "elbo/io/picture.h"
#include "elbo/io/safetensors.h"
#include "elbo/io/tar_index.h"
#include "elbo/io/tensorboard.h"
#include "elbo/io/utf16.h"
#include "fuzz/harness.h"

// Readers of bytes: one format each, below all that knows of data sets.

namespace elbo::fuzzing {
namespace {

constexpr int64_t kMostBytes = 1 << 22, kMostPixels = 1 << 16;

void read_npy_bytes(std::string_view bytes) { parse_npy(bytes, "fuzz").numel(); }

void read_safetensors_bytes(std::string_view bytes) {
  for (const auto& [name, tensor] : parse_safetensors(bytes, "fuzz").tensors)
    must(tensor.defined(), "a tensor without elements");
}

void read_gzip_bytes(std::string_view bytes) {
  const auto size = static_cast<int64_t>(gunzip(bytes, "fuzz", kMostBytes).size());
  must(size <= kMostBytes, "more was unpacked than allowed");
}

void read_picture_bytes(std::string_view bytes) {
  const auto picture = decode_picture(bytes, "fuzz", kMostPixels);
  must(picture.pixels.dim() == 3, "a picture without three axes");
  must(picture.pixels.size(1) * picture.pixels.size(2) <= kMostPixels, "too large a picture");
  upright(as_bytes(picture), picture.orientation);
}

/// Tar and zip by their content: libarchive looks at the bytes, not at the name.
void read_archive_file(std::string_view bytes) {
  int64_t total = 0;
  const auto take = [&](const std::string&, std::string content) {
    total += static_cast<int64_t>(content.size());
  };
  read_archive(
      file_of(bytes, ".tar"), [](const std::string&) { return true; }, take, kMostBytes);
  must(total <= kMostBytes, "more was unpacked than allowed");
}

void read_tar_index(std::string_view bytes) {
  const auto path = file_of(bytes, ".tar");
  const auto size = static_cast<int64_t>(bytes.size());
  for_each_member(path, [&](const TarMember& member) {
    must(member.offset >= 0 && member.size >= 0 && member.offset + member.size <= size,
         "a member outside of its archive");
  });
}

void read_events(std::string_view bytes) {
  for (const auto& record : read_records(file_of(bytes, ".events")))
    must(record.size() <= bytes.size(), "a record larger than its file");
}

void read_json_text(std::string_view bytes) {
  const auto value = parse_json(bytes, "fuzz");
  const auto text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  must(parse_json(text, "fuzz").dump() == text, "JSON that was written reads as something else");
}

void read_utf16_text(std::string_view bytes) { from_utf16(std::string(bytes), "fuzz"); }

void read_database_rows(std::string_view bytes) {
  constexpr int64_t kMostRows = 1000;
  const auto rows = open_database(file_of(bytes, ".db"), {});
  for (int64_t row = 0; row < kMostRows && rows->next(); ++row) {
    for (int64_t i = 0; i < rows->size(); ++i) (void)rows->cell(i).size();
  }
}

const bool formats_added =
    add_harness("npy", read_npy_bytes) && add_harness("safetensors", read_safetensors_bytes) &&
    add_harness("gzip", read_gzip_bytes) && add_harness("picture", read_picture_bytes) &&
    add_harness("archive", read_archive_file) && add_harness("tar", read_tar_index) &&
    add_harness("events", read_events) && add_harness("json", read_json_text) &&
    add_harness("utf16", read_utf16_text) &&
    (!has_databases() || add_harness("sqlite", read_database_rows));

}  // namespace
}  // namespace elbo::fuzzing
