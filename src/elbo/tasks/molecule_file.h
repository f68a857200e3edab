#pragma once

#include <memory>
#include <string>

#include "elbo/data/row_view.h"
#include "elbo/io/row_file.h"

namespace elbo {

/// Whether molecules can be written to a file of this ending: .smi, .svg.
bool is_molecule_file(const std::string& path);
/// A file for rows of molecules: .smi has one SMILES a line, .svg a picture of each, so many side
/// by side (0 = about square).
std::unique_ptr<RowFile> create_molecule_file(const std::string& path, const MoleculeView& view,
                                              int64_t columns);

}  // namespace elbo
