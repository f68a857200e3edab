#include "elbo/tasks/molecule_file.h"

#include "elbo/chem/molecule.h"
#include "elbo/data/molecules.h"
#include "elbo/data/tokenizer.h"
#include "elbo/io/file.h"

namespace elbo {
namespace {

class SmilesFile : public RowFile {
 public:
  SmilesFile(const std::string& path, Schema schema) : file_(path), schema_(std::move(schema)) {}
  void append(const Tensor& rows) override {
    std::string text;
    for (const auto& smiles : texts_of(schema_, rows)) text += smiles + '\n';
    file_.write(text);
  }
  void commit() override { file_.commit(); }

 private:
  AtomicFile file_;
  const Schema schema_;
};

class MoleculePictures : public RowFile {
 public:
  MoleculePictures(std::string path, Schema schema, int64_t columns)
      : path_(std::move(path)), schema_(std::move(schema)), columns_(columns) {
    check(has_chemistry(), "[picture] ", path_,
          ": this build has no RDKit; install librdkit-dev and libboost-dev and build again, or "
          "write .smi");
  }
  void append(const Tensor& rows) override {
    const auto more = texts_of(schema_, rows);
    smiles_.insert(smiles_.end(), more.begin(), more.end());
    check(smiles_.size() <= kMostPictures, "[picture] ", path_, ": more than ", kMostPictures,
          " molecules; use .smi");
  }
  void commit() override { write_file_atomic(path_, molecules_svg(smiles_, {}, columns_)); }

 private:
  static constexpr size_t kMostPictures = 1000;
  const std::string path_;
  const Schema schema_;
  const int64_t columns_;
  std::vector<std::string> smiles_;
};

}  // namespace

bool is_molecule_file(const std::string& path) {
  return path.ends_with(".smi") || path.ends_with(".svg");
}

std::unique_ptr<RowFile> create_molecule_file(const std::string& path, const Schema& schema,
                                              int64_t columns) {
  if (path.ends_with(".svg")) return std::make_unique<MoleculePictures>(path, schema, columns);
  return std::make_unique<SmilesFile>(path, schema);
}

}  // namespace elbo
