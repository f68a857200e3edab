#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "elbo/data/schema.h"
#include "elbo/io/row_file.h"
#include "elbo/tasks/labelled.h"
#include "elbo/tasks/task.h"

namespace elbo {

/// A file of the folder for results that nobody has named a file for: `name`, or where that exists
/// "name-2" and so on before the ending: nothing is overwritten.
std::string free_path(const std::string& name, const std::filesystem::path& folder = {});
/// The file that somebody has named, or such a one.
std::string output_path(const TaskInput& input, const std::string& name);
/// The file that rows of data go to: `out`, or `name` with the ending that suits the schema; empty
/// for texts, which are shown.
std::string output_path(const TaskInput& input, const std::string& name, const Schema& schema);
/// The rows that a file has taken, for a result: {"file": path}, or {"text": […]} where texts go to
/// no file.
Json written(const RowFile& file, const std::string& path);
/// A file for rows of data, by its ending, or a folder that takes a picture for each row: .txt
/// holds texts as lines (no path: they are kept for the result); .png shows them as a grid of so
/// many columns (0 = about square), .apng and .gif one column after the other (0 = row by row),
/// .npy, .csv and .tsv hold their numbers.
std::unique_ptr<RowFile> create_output(const std::string& path, const Schema& schema, int64_t rows,
                                       int64_t columns = 0, RowLabels labels = {});
/// Whether the path is a folder: it ends in a slash, or one is there.
bool is_folder(const std::string& path);

}  // namespace elbo
