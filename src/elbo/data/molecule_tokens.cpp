#include "elbo/chem/selfies.h"
#include "elbo/chem/smiles_grammar.h"
#include "elbo/data/tokenizer.h"

namespace elbo {
namespace {

class SmilesTokens : public Tokenizer {
 public:
  std::vector<std::string> split(const std::string& text) const override {
    return smiles_tokens(text);
  }
  std::string join(const std::vector<std::string>& tokens) const override {
    return elbo::join(tokens, "");
  }
  std::shared_ptr<const Grammar> grammar(const std::vector<std::string>& tokens) const override {
    return smiles_grammar(tokens);
  }
};

/// Texts are SMILES; what a model learns are the symbols of the same molecule in SELFIES.
class SelfiesTokens : public Tokenizer {
 public:
  std::vector<std::string> split(const std::string& text) const override {
    auto molecule = parse_smiles(text);
    kekulize(molecule);
    return encode_selfies(molecule);
  }
  std::string join(const std::vector<std::string>& tokens) const override {
    std::vector<std::string> known;
    for (const auto& token : tokens) {
      if (token != kUnknownText) known.push_back(token);
    }
    return write_smiles(decode_selfies(known));
  }
};

const bool added_smiles =
    tokenizers().add<NoOptions>("smiles", "molecules: atoms, bonds and rings of a SMILES",
                                [](const NoOptions&) { return std::make_shared<SmilesTokens>(); });
const bool added_selfies = tokenizers().add<NoOptions>(
    "selfies", "molecules: symbols that always spell a valid one (Krenn et al. 2020)",
    [](const NoOptions&) { return std::make_shared<SelfiesTokens>(); });

}  // namespace

}  // namespace elbo
