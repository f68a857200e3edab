#include "elbo/tasks/molecule_file.h"

#include "elbo/chem/molecule.h"
#include "elbo/io/file.h"

namespace elbo {
namespace {

class SmilesFile : public RowFile {
 public:
  SmilesFile(const std::string& path, MoleculeView view) : file_(path), view_(std::move(view)) {}
  void append(const Tensor& rows) override {
    std::string text;
    for (const auto& smiles : view_.texts(rows)) text += smiles + '\n';
    file_.write(text);
  }
  void commit() override { file_.commit(); }

 private:
  AtomicFile file_;
  const MoleculeView view_;
};

class MoleculePictures : public RowFile {
 public:
  MoleculePictures(std::string path, MoleculeView view, int64_t columns)
      : path_(std::move(path)), view_(std::move(view)), columns_(columns) {
    check(has_chemistry(), "[picture] ", path_,
          ": this build has no RDKit; install librdkit-dev and libboost-dev and build again, or "
          "write .smi");
  }
  void append(const Tensor& rows) override {
    const auto more = view_.texts(rows);
    smiles_.insert(smiles_.end(), more.begin(), more.end());
    check(smiles_.size() <= kMostPictures, "[picture] ", path_, ": more than ", kMostPictures,
          " molecules; use .smi");
  }
  void commit() override { write_file_atomic(path_, molecules_svg(smiles_, {}, columns_)); }

 private:
  static constexpr size_t kMostPictures = 1000;
  const std::string path_;
  const MoleculeView view_;
  const int64_t columns_;
  std::vector<std::string> smiles_;
};

}  // namespace

bool is_molecule_file(const std::string& path) {
  return path.ends_with(".smi") || path.ends_with(".svg");
}

std::unique_ptr<RowFile> create_molecule_file(const std::string& path, const MoleculeView& view,
                                              int64_t columns) {
  if (path.ends_with(".svg")) return std::make_unique<MoleculePictures>(path, view, columns);
  return std::make_unique<SmilesFile>(path, view);
}

}  // namespace elbo
