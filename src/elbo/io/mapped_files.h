#pragma once

#include <cstddef>
#include <string>

namespace elbo {

/// Keeps in mind that memory shows a file, to name it when the file is cut short meanwhile; where
/// many are mapped at a time some are not named.
void note_mapping(const void* from, size_t bytes, const std::string& path);
void forget_mapping(const void* from);
/// From now on a file that is cut short while it is mapped ends the process with one line and
/// status 1, not by a signal. For programs: a library leaves its user's signals alone.
void end_at_cut_files();

}  // namespace elbo
