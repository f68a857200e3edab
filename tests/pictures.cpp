#include "pictures.h"

#include <archive.h>
#include <archive_entry.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
// jpeglib.h wants the two above.
#include <jpeglib.h>
#include <zlib.h>

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
  info.in_color_space = image.size(0) == 1   ? JCS_GRAYSCALE
                        : image.size(0) == 4 ? JCS_CMYK
                                             : JCS_RGB;
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

std::string encode_deep_png(const torch::Tensor& image) {
  std::string lines;
  const auto pixels = image.permute({1, 2, 0}).contiguous();
  const auto* from = pixels.data_ptr<int32_t>();
  for (int64_t y = 0; y < image.size(1); ++y) {
    lines += '\0';  // no filter
    for (int64_t i = 0; i < image.size(2) * image.size(0); ++i, ++from) {
      lines += static_cast<char>(*from >> 8);
      lines += static_cast<char>(*from & 255);
    }
  }
  uLongf size = compressBound(lines.size());
  std::string packed(size, '\0');
  compress(reinterpret_cast<Bytef*>(packed.data()), &size,
           reinterpret_cast<const Bytef*>(lines.data()), lines.size());
  packed.resize(size);
  const auto word = [](uint64_t n) {
    std::string bytes;
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(n >> shift & 255);
    return bytes;
  };
  const auto chunk = [&](const std::string& body) {  // its name is a part of the body
    const auto* data = reinterpret_cast<const Bytef*>(body.data());
    return word(body.size() - 4) + body + word(crc32(0, data, static_cast<uInt>(body.size())));
  };
  const auto header = word(static_cast<uint64_t>(image.size(2))) +
                      word(static_cast<uint64_t>(image.size(1))) + '\x10' +
                      (image.size(0) == 1 ? '\0' : '\2') + std::string(3, '\0');
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR" + header) + chunk("IDAT" + packed) + chunk("IEND");
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
