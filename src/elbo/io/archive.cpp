#include "elbo/io/archive.h"

#include <archive.h>
#include <archive_entry.h>

#include <memory>

#include "elbo/core/error.h"
#include "elbo/core/text.h"

namespace elbo {
namespace {

std::shared_ptr<archive> open_archive(const std::string& path) {
  std::shared_ptr<archive> a(archive_read_new(), archive_read_free);
  check(a != nullptr, "[archive] ", path, ": out of memory");
  archive_read_support_filter_gzip(a.get());
  archive_read_support_filter_bzip2(a.get());
  archive_read_support_filter_xz(a.get());
  archive_read_support_filter_zstd(a.get());
  archive_read_support_format_tar(a.get());
  archive_read_support_format_zip(a.get());
  // "cat a.tar b.tar" makes one: an archive's end is not the file's.
  archive_read_set_option(a.get(), "tar", "read_concatenated_archives", "1");
  constexpr size_t kBlock = 1 << 18;
  check(archive_read_open_filename(a.get(), path.c_str(), kBlock) == ARCHIVE_OK, "[archive] ", path,
        ": ", archive_complaint(a.get()));
  return a;
}

/// A tar ends with empty blocks: without them it was cut between two files.
void check_tar_end(archive* a, const std::string& path) {
  constexpr int kFamily = ARCHIVE_FORMAT_BASE_MASK;
  constexpr int64_t kTarBlock = 512;
  if ((archive_format(a) & kFamily) != ARCHIVE_FORMAT_TAR) return;
  const auto end = archive_filter_bytes(a, 0) - archive_read_header_position(a);
  check(end >= kTarBlock, "[archive] ", path, ": has no end: it was cut short");
}

std::string entry_name(archive_entry* entry) {
  // In the C locale the plain name of an entry outside ASCII is null.
  const char* name = archive_entry_pathname_utf8(entry);
  if (name == nullptr) name = archive_entry_pathname(entry);
  return name ? name : "";
}

}  // namespace

std::string archive_complaint(archive* a, const char* otherwise) {
  const char* text = archive_error_string(a);
  std::string said = text ? text : "";
  while (said.ends_with('\n')) said.pop_back();
  return said.empty() ? otherwise : said;
}

bool is_archive_name(const std::string& path) {
  const auto name = lower_case(path);
  for (const char* end :
       {".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".tgz", ".tbz2", ".txz", ".zip"}) {
    if (name.ends_with(end)) return true;
  }
  return false;
}

void read_archive(const std::string& path, const std::function<bool(const std::string&)>& wanted,
                  const std::function<void(const std::string&, std::string)>& take, int64_t most) {
  const auto a = open_archive(path);
  const auto reason = [&] { return archive_complaint(a.get()); };
  std::string block(size_t{1} << 18, '\0');
  int64_t total = 0;
  for (archive_entry* entry = nullptr;;) {
    const int state = archive_read_next_header(a.get(), &entry);
    if (state == ARCHIVE_EOF) {
      check_tar_end(a.get(), path);
      return;
    }
    check(state == ARCHIVE_OK || state == ARCHIVE_WARN, "[archive] ", path, ": ", reason());
    const auto name = entry_name(entry);
    if (archive_entry_filetype(entry) != AE_IFREG || !wanted(name)) continue;
    std::string bytes;
    for (;;) {
      const auto got = archive_read_data(a.get(), block.data(), block.size());
      if (got == ARCHIVE_RETRY) continue;
      check(got >= 0, "[archive] ", path, ": ", name, ": ", reason());
      if (got == 0) break;
      total += got;
      check(total <= most, "[archive] ", path, ": unpacks to more than ", most,
            " bytes (ELBO_MEMORY sets another bound, in GB)");
      bytes.append(block.data(), static_cast<size_t>(got));
    }
    take(name, std::move(bytes));
  }
}

void write_zip(const std::string& path,
               const std::vector<std::pair<std::string, std::string>>& files) {
  AtomicFile file(path);
  std::shared_ptr<archive> a(archive_write_new(), archive_write_free);
  const auto must = [&](int status) {
    check(status == ARCHIVE_OK, "[archive] ", path, ": ", archive_complaint(a.get()));
  };
  must(archive_write_set_format_zip(a.get()));
  must(archive_write_zip_set_compression_store(a.get()));
  const auto take = [](archive*, void* target, const void* bytes, size_t count) -> la_ssize_t {
    static_cast<AtomicFile*>(target)->write({static_cast<const char*>(bytes), count});
    return static_cast<la_ssize_t>(count);
  };
  must(archive_write_open(a.get(), &file, nullptr, take, nullptr));
  for (const auto& [name, bytes] : files) {
    std::shared_ptr<archive_entry> entry(archive_entry_new(), archive_entry_free);
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes.size()));
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    must(archive_write_header(a.get(), entry.get()));
    const auto written = archive_write_data(a.get(), bytes.data(), bytes.size());
    check(written == static_cast<la_ssize_t>(bytes.size()), "[archive] ", path, ": ",
          archive_complaint(a.get()));
  }
  must(archive_write_close(a.get()));
  file.commit();
}

}  // namespace elbo
