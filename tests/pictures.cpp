#include "pictures.h"

#include <archive.h>
#include <archive_entry.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
// jpeglib.h wants the two above.
#include <jpeglib.h>

namespace elbo {

std::string encode_jpeg(const torch::Tensor& image) {
  auto pixels = image.permute({1, 2, 0}).contiguous();
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_height = static_cast<JDIMENSION>(image.size(1));
  info.image_width = static_cast<JDIMENSION>(image.size(2));
  info.input_components = static_cast<int>(image.size(0));
  info.in_color_space = image.size(0) == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 95, TRUE);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = pixels.data_ptr<uint8_t>() +
                   static_cast<int64_t>(info.next_scanline) * image.size(2) * image.size(0);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string bytes(reinterpret_cast<char*>(buffer), size);
  std::free(buffer);
  return bytes;
}

std::string make_archive(const std::string& format,
                         const std::vector<std::pair<std::string, std::string>>& files) {
  size_t total = 1 << 16, used = 0;
  for (const auto& [name, bytes] : files) total += bytes.size() + name.size() * 2 + 4096;
  std::string out(total, '\0');
  auto* a = archive_write_new();
  if (format == "zip") {
    archive_write_set_format_zip(a);
  } else {
    archive_write_set_format_pax_restricted(a);
  }
  if (format == "tar.gz") archive_write_add_filter_gzip(a);
  archive_write_open_memory(a, out.data(), out.size(), &used);
  for (const auto& [name, bytes] : files) {
    auto* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, static_cast<int64_t>(bytes.size()));
    archive_write_header(a, entry);
    archive_write_data(a, bytes.data(), bytes.size());
    archive_entry_free(entry);
  }
  archive_write_close(a);
  archive_write_free(a);
  out.resize(used);
  return out;
}

}  // namespace elbo
