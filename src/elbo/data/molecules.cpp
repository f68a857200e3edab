#include "elbo/data/molecules.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <sstream>

#include "elbo/chem/molecule.h"
#include "elbo/chem/selfies.h"
#include "elbo/core/text.h"
#include "elbo/data/open.h"
#include "elbo/data/reader.h"
#include "elbo/data/tokenizer.h"
#include "elbo/io/csv.h"
#include "elbo/kernels/parallel.h"

namespace elbo {
namespace {

struct MoleculeOptions {
  std::string tokens = "smiles", property = "none", too_long = "drop";
  int64_t max_length = 120, min_count = 1;
  bool skip_invalid = false;
  template <class F>
  void fields(F&& f) {
    f("tokens", tokens,
      "tokens that a row is split into: smiles or selfies for molecules; characters, words or "
      "bpe:SIZE for text");
    f("property", property,
      "properties of molecules to predict from the code, separated by commas: qed, logp, … or "
      "columns of the file");
    f("skip_invalid", skip_invalid,
      "leave out pictures or molecules that cannot be read, and count them");
    f("max_length", max_length, "most tokens in a row (0 = no limit)", between(0, 100000));
    f("long", too_long, "treatment of longer rows", one_of({"cut", "drop", "refuse"}));
    f("min_count", min_count,
      "least count of a token in the training data; rarer ones are read as unknown", at_least(1));
  }
};

/// Lines of a file in columns, the first line's names where it is a header.
struct MoleculeLines {
  std::vector<std::vector<std::string>> cells;
  std::vector<int64_t> numbers;  // of the lines
  std::vector<std::string> header;
  size_t smiles = 0;  // the column
};

/// A header names the column of the molecules.
bool names_smiles(const std::string& cell) {
  const auto name = lower_case(cell);
  static const std::vector<std::string> names = {
      "smiles",          "canonical_smiles", "canonical smiles", "isomeric_smiles",
      "isomeric smiles", "smiles_string",    "molecule_smiles",  "structure"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Without spaces and line ends around it: some files end each SMILES in one, within its quotes.
std::string bare(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\r\n");
  if (from == std::string_view::npos) return "";
  return std::string(text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1));
}

/// Takes a record: the header where the first one names the molecules.
void take_record(MoleculeLines& lines, std::vector<std::string> cells, int64_t number) {
  const bool first = lines.cells.empty() && lines.header.empty();
  const auto named = std::find_if(cells.begin(), cells.end(), names_smiles);
  if (first && named != cells.end()) {
    lines.smiles = static_cast<size_t>(named - cells.begin());
    lines.header = std::move(cells);
    return;
  }
  cells.resize(std::max(cells.size(), lines.smiles + 1));
  lines.cells.push_back(std::move(cells));
  lines.numbers.push_back(number);
}

/// What stands between the columns: as in any table, else spaces. Bars are a part of some SMILES.
char delimiter_of_molecules(const std::string& path) {
  CsvReader file(path);
  const bool columns = file.next() && file.size() > 1 && file.delimiter() != '|';
  return columns ? file.delimiter() : ' ';
}

MoleculeLines read_lines(const std::string& path) {
  MoleculeLines lines;
  CsvReader file(path, delimiter_of_molecules(path));
  while (file.next()) {
    std::vector<std::string> cells;
    for (int64_t i = 0; i < file.size(); ++i) cells.push_back(bare(file.cell(i)));
    const bool blank =
        std::all_of(cells.begin(), cells.end(), [](const auto& c) { return c.empty(); });
    if (!blank) take_record(lines, std::move(cells), file.line());
  }
  check(!lines.cells.empty(), "[molecules] ", path, ": holds no molecules");
  return lines;
}

/// What is wrong with a molecule; empty where nothing is.
std::string fault_of(const std::string& smiles, bool selfies) {
  try {
    if (has_chemistry()) Molecule::parse(smiles);
    auto molecule = parse_smiles(smiles);
    kekulize(molecule);
    if (selfies) encode_selfies(molecule);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// Leaves the lines that can be read, in order; a note tells of the others.
void keep_valid(MoleculeLines& lines, const MoleculeOptions& options, const std::string& path,
                Json& notes) {
  const auto n = static_cast<int64_t>(lines.cells.size());
  std::vector<std::string> faults(lines.cells.size());
  kernels::over_ranges(0, n, 256, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) {
      const auto at = static_cast<size_t>(i);
      faults[at] = fault_of(lines.cells[at][lines.smiles], options.tokens == "selfies");
    }
  });
  size_t kept = 0;
  for (size_t i = 0; i < faults.size(); ++i) {
    check(faults[i].empty() || options.skip_invalid, "[molecules] ", path, ": line ",
          lines.numbers[i], ": ", faults[i], " (--skip-invalid leaves such lines out)");
    if (!faults[i].empty()) continue;
    if (kept != i) {
      lines.cells[kept] = std::move(lines.cells[i]);
      lines.numbers[kept] = lines.numbers[i];
    }
    ++kept;
  }
  check(kept > 0, "[molecules] ", path, ": none of ", n, " lines is a molecule: ", faults[0]);
  if (kept < faults.size()) {
    std::ostringstream note;
    note << faults.size() - kept << " of " << n << " molecules cannot be read: left out";
    notes.push_back(note.str());
  }
  lines.cells.resize(kept);
  lines.numbers.resize(kept);
}

/// The column that a header names, or "" + number from 1; -1 where there is none.
int64_t column_of(const MoleculeLines& lines, const std::string& name) {
  for (size_t i = 0; i < lines.header.size(); ++i) {
    if (lines.header[i] == name && i != lines.smiles) return static_cast<int64_t>(i);
  }
  const bool number =
      name.size() < 4 && name.find_first_not_of("0123456789") == std::string::npos && name != "0";
  return number ? std::stoll(name) - 1 : -1;
}

/// [N, 1] numbers of a column; an empty cell is unknown.
Tensor column_values(const MoleculeLines& lines, int64_t column, const std::string& path) {
  auto values = torch::full({static_cast<int64_t>(lines.cells.size()), 1}, NAN);
  for (size_t i = 0; i < lines.cells.size(); ++i) {
    if (static_cast<int64_t>(lines.cells[i].size()) <= column) continue;
    const auto& cell = lines.cells[i][static_cast<size_t>(column)];
    if (cell.empty() || lower_case(cell) == "nan") continue;
    char* end = nullptr;
    const double value = std::strtod(cell.c_str(), &end);
    check(*end == 0 && std::isfinite(value), "[molecules] ", path, ": line ", lines.numbers[i],
          ", column ", column + 1, ": \"", cell, "\" is not a number");
    values.data_ptr<float>()[i] = static_cast<float>(value);
  }
  return values;
}

std::vector<std::string> property_list(const std::string& text) {
  std::vector<std::string> names;
  if (text != "none") names = split_text(text, ',');
  return names;
}

/// [N, 1] a column of the file, else what RDKit computes. `optional`: a model knows the property
/// already, and a file without it says nothing of it.
Tensor property_values(const MoleculeLines& lines, const std::vector<std::string>& smiles,
                       const std::string& name, bool optional, const std::string& path) {
  const auto column = column_of(lines, name);
  if (column >= 0) {
    const auto widest = std::max_element(lines.cells.begin(), lines.cells.end(),
                                         [](auto& a, auto& b) { return a.size() < b.size(); });
    if (column < static_cast<int64_t>(widest->size())) return column_values(lines, column, path);
  }
  if (is_molecule_property(name)) return computed_properties(smiles, {name});
  if (optional) return torch::full({static_cast<int64_t>(smiles.size()), 1}, NAN);
  std::vector<std::string> known;
  for (const auto& property : molecule_properties()) known.push_back(property.name);
  for (const auto& title : lines.header) {
    if (!names_smiles(title)) known.push_back(title);
  }
  fail("[molecules] ", path, ": no property \"", name, "\"; known: ", join(known));
}

class MoleculeReader : public Reader {
 public:
  explicit MoleculeReader(MoleculeOptions options) : options_(std::move(options)) {
    check(options_.tokens == "smiles" || options_.tokens == "selfies", "[molecules] tokens: \"",
          options_.tokens, "\"; allowed: smiles, selfies");
  }

  bool accepts(const std::string& path) const override {
    const auto name = lower_case(path);
    return name.ends_with(".smi") || name.ends_with(".smi.gz") || name.ends_with(".smiles");
  }

  Data open(const std::string& path, const DataOptions& options) const override {
    const auto where = "molecules " + path;
    refuse_resize(options, where);
    refuse_test(options, where);
    check(options.binarize == "auto" || options.binarize == "none", "[", where,
          "] binarize: ", options.binarize, " asked for, only bytes can be binarized");
    auto lines = read_lines(path);
    const auto rows = kept_rows(options, static_cast<int64_t>(lines.cells.size()));
    lines.cells.resize(static_cast<size_t>(rows));
    Json notes = Json::array();
    keep_valid(lines, options_, path, notes);
    std::vector<std::string> smiles;
    Arrays rest;
    for (size_t i = 0; i < lines.cells.size(); ++i) {
      smiles.push_back(lines.cells[i][lines.smiles]);
      rest.names.push_back("line " + std::to_string(lines.numbers[i]));
    }
    const bool known = options.like && options.like->x.kind == Kind::kToken;
    add_properties(lines, smiles, known ? &options.like->target : nullptr, path, rest);
    return token_data(
        smiles,
        {options_.tokens, options_.max_length, options_.too_long, options_.min_count, notes},
        std::move(rest), known ? &options.like->x : nullptr);
  }

 private:
  void add_properties(const MoleculeLines& lines, const std::vector<std::string>& smiles,
                      const Schema* like, const std::string& path, Arrays& rest) const {
    const auto names = property_list(options_.property);
    if (names.empty()) return;
    std::vector<Tensor> columns;
    for (const auto& name : names) {
      columns.push_back(property_values(lines, smiles, name, like != nullptr, path));
    }
    rest.target = torch::cat(columns, 1);
    rest.schemas.target = like && like->present() ? *like : property_schema(rest.target, names);
  }

  MoleculeOptions options_;
};

const bool molecules_added = readers().add<MoleculeOptions>(
    "molecules", "molecules as SMILES, with names and properties in further columns: FILE.smi",
    [](const MoleculeOptions& options) { return std::make_shared<MoleculeReader>(options); });

}  // namespace
}  // namespace elbo
