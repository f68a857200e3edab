#pragma once

#include <string>

namespace elbo {

/// Whether DATA of the command line is on this machine: built in, or a path that exists, also under
/// $ELBO_DATA. A pattern of several files is taken to be here.
bool source_here(const std::string& text);
/// The path of DATA, also under $ELBO_DATA, whether or not it can be read.
std::string source_path(const std::string& text);
/// Whether DATA that somebody in `folder` named are where that was, or in a folder that $ELBO_DATA
/// names; else what is found is only called alike.
bool source_in_place(const std::string& text, const std::string& folder);
/// DATA as others may see them: without the folders of an absolute path.
std::string shown_source(const std::string& text);
/// DATA that somebody in `folder` named, named for the current folder: the same text where that
/// means the same file, or where nothing of that name is in `folder`.
std::string source_from(const std::string& text, const std::string& folder);

}  // namespace elbo
