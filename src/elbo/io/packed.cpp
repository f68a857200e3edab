#include "elbo/io/packed.h"

#include <archive.h>
#include <archive_entry.h>

#include <memory>

#include "elbo/core/error.h"
#include "elbo/io/archive.h"

namespace elbo {
namespace {

constexpr char kPlain = 0, kLzma = 1;

std::string lzma(std::string_view bytes) {
  std::string out;
  std::shared_ptr<archive> a(archive_write_new(), archive_write_free);
  const auto must = [&](int64_t status) {
    if (status < 0) fail("[lzma] ", archive_complaint(a.get(), "failed"));
  };
  must(archive_write_set_format_raw(a.get()));
  must(archive_write_add_filter_lzma(a.get()));
  must(archive_write_set_filter_option(a.get(), "lzma", "compression-level", "9"));
  // Nothing behind the last byte.
  must(archive_write_set_bytes_in_last_block(a.get(), 1));
  const auto take = [](archive*, void* to, const void* part, size_t count) -> la_ssize_t {
    static_cast<std::string*>(to)->append(static_cast<const char*>(part), count);
    return static_cast<la_ssize_t>(count);
  };
  must(archive_write_open(a.get(), &out, nullptr, take, nullptr));
  std::shared_ptr<archive_entry> entry(archive_entry_new(), archive_entry_free);
  archive_entry_set_pathname(entry.get(), "bytes");
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  must(archive_write_header(a.get(), entry.get()));
  must(archive_write_data(a.get(), bytes.data(), bytes.size()));
  must(archive_write_close(a.get()));
  return out;
}

}  // namespace

std::string packed(std::string_view bytes) {
  const auto small = bytes.empty() ? std::string() : lzma(bytes);
  if (bytes.empty() || small.size() >= bytes.size()) return kPlain + std::string(bytes);
  return kLzma + small;
}

std::string unpacked(std::string_view bytes, const std::string& where, int64_t most) {
  check(!bytes.empty() && bytes[0] <= kLzma && bytes[0] >= kPlain, "[", where,
        "] bytes: packed in no known way");
  if (bytes[0] == kPlain) return std::string(bytes.substr(1));
  bytes.remove_prefix(1);
  std::shared_ptr<archive> a(archive_read_new(), archive_read_free);
  const auto must = [&](int64_t status) {
    if (status < 0) fail("[", where, "] bytes: ", archive_complaint(a.get()));
  };
  must(archive_read_support_filter_lzma(a.get()));
  must(archive_read_support_format_raw(a.get()));
  must(archive_read_open_memory(a.get(), bytes.data(), bytes.size()));
  archive_entry* entry = nullptr;
  must(archive_read_next_header(a.get(), &entry));
  std::string out, block(size_t{1} << 18, '\0');
  for (;;) {
    const auto got = archive_read_data(a.get(), block.data(), block.size());
    must(got);
    if (got == 0) return out;
    check(static_cast<int64_t>(out.size()) + got <= most, "[", where,
          "] bytes: unpack to more than ", most, " bytes (ELBO_MEMORY sets another bound, in GB)");
    out.append(block.data(), static_cast<size_t>(got));
  }
}

}  // namespace elbo
