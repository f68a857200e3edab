#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "elbo/data/schema.h"
#include "elbo/io/row_file.h"

namespace elbo {

/// Whether rows of this schema can be shown: 1 or 3 channels of height x width.
bool is_picture(const Schema& schema);
/// [N, …] in [0, 1]: values of kind "real" and "count" are stretched, each row from its smallest to
/// its largest.
Tensor row_shades(const Tensor& x, const Schema& schema);
/// [N, C, H, W] as one picture of so many columns: [C, H', W'] bytes. Values are grey levels in
/// [0, 1]; those of kind real are stretched from their smallest to their largest.
Tensor picture_grid(const Tensor& x, const Schema& schema, int64_t columns);

/// A file of the current folder for results that nobody has named a file for: `name`, or where that
/// exists "name-2" and so on before the ending: nothing is overwritten.
std::string free_path(const std::string& name);
/// The file that rows of data go to: `out`, or `name` with the ending that suits the schema; empty
/// for texts, which are shown.
std::string output_path(const std::filesystem::path& out, const std::string& name,
                        const Schema& schema);
/// The rows that a file has taken, for a result: {"file": path}, or {"text": […]} where texts go to
/// no file.
Json written(const RowFile& file, const std::string& path);
/// A file for rows of data, by its ending: .txt holds texts as lines (no path: they are kept for
/// the result); .png shows them as a grid of so many columns (0 = about square), .apng and .gif one
/// column after the other (0 = row by row), .npy, .csv and .tsv hold their numbers.
std::unique_ptr<RowFile> create_output(const std::string& path, const Schema& schema, int64_t rows,
                                       int64_t columns = 0);

}  // namespace elbo
