#include "elbo/io/foreign_file.h"

#include <filesystem>
#include <fstream>
#include <vector>

#include "elbo/core/text.h"

namespace elbo {
namespace {

struct Format {
  std::string_view magic;
  const char* name;
  const char* reader;  // of pandas; "" = LibreOffice
};

const std::vector<Format>& formats() {
  static const std::vector<Format> list = {
      {"PAR1", "a Parquet file", "read_parquet"},
      {"ARROW1", "an Arrow file (Feather)", "read_feather"},
      {"FEA1", "a Feather file", "read_feather"},
      {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel file", ""},
      {"\x89HDF\r\n\x1a\n", "an HDF5 file", "read_hdf"},
      {"<stata_dta>", "a Stata file", "read_stata"},
      {"$FL2", "an SPSS file", "read_spss"}};
  return list;
}

std::string hint(const std::string& path, const Format& format) {
  const std::filesystem::path p(path);
  const auto csv = p.stem().string() + ".csv";
  const auto start = std::string("is ") + format.name + "; turn it into CSV: ";
  if (*format.reader == 0) return start + "libreoffice --headless --convert-to csv " + path;
  return start + "python3 -c \"import pandas; pandas." + format.reader + "('" + path +
         "').to_csv('" + csv + "', index=False)\"";
}

}  // namespace

std::string conversion_hint(const std::string& path, std::string_view first_bytes) {
  for (const auto& format : formats()) {
    if (first_bytes.starts_with(format.magic)) return hint(path, format);
  }
  const auto small = lower_case(path);
  const bool zip = first_bytes.starts_with("PK");
  for (const char* ending : {".xlsx", ".xlsm", ".xlsb"}) {
    if (zip && small.ends_with(ending)) return hint(path, {"", "an Excel file", ""});
  }
  if (zip && small.ends_with(".ods")) return hint(path, {"", "an OpenDocument table", ""});
  return "";
}

std::string conversion_hint(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return "";
  std::ifstream file(path, std::ios::binary);
  char bytes[16] = {};
  file.read(bytes, sizeof bytes);
  return conversion_hint(path, {bytes, static_cast<size_t>(file.gcount())});
}

}  // namespace elbo
