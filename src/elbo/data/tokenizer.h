#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "elbo/core/grammar.h"
#include "elbo/data/dataset.h"

namespace elbo {

/// Cuts text into tokens and joins them again.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  /// Looks at the texts that a model is to learn from, before the first split.
  virtual void learn(const std::vector<std::string>&) {}
  virtual std::vector<std::string> split(const std::string& text) const = 0;
  virtual std::string join(const std::vector<std::string>& tokens) const = 0;
  /// What learn() found, as options that make this tokenizer again.
  virtual Json learned() const { return Json::object(); }
  /// Rules that a text of these tokens keeps, the end written as ""; none where nullptr.
  virtual std::shared_ptr<const Grammar> grammar(const std::vector<std::string>&) const {
    return nullptr;
  }
};
/// characters, words, bpe, …
Registry<Tokenizer>& tokenizers();
/// "NAME" or "NAME:SIZE" of the command line as a declaration.
Json parse_tokenizer(const std::string& text);

/// Ids that every vocabulary has: a row ends at its first kEndToken, which also fills what is
/// behind; tokens that a vocabulary lacks are read as kUnknownToken.
inline constexpr int64_t kEndToken = 0, kUnknownToken = 1;
/// How an unknown token is written: U+FFFD.
inline constexpr const char* kUnknownText = "\xEF\xBF\xBD";

/// Between texts and rows of ids, as a schema of kind token says: its shape is {T}, its detail
/// holds "vocabulary" (strings in the order of ids), "tokens" (the tokenizer's name) and
/// "tokenizer" (the tokenizer's options).
class TextCodec {
 public:
  /// Raises an Error where the schema is none of texts.
  explicit TextCodec(const Schema& schema);
  /// Ids without the end. `unknown`, where given, is raised by how many tokens are not known.
  std::vector<int32_t> encode(const std::string& text, int64_t* unknown = nullptr) const;
  /// Up to the first end.
  std::string decode(const Tensor& ids) const;
  /// The texts of rows of ids [N, T], and the rows of texts.
  std::vector<std::string> texts(const Tensor& ids) const;
  Tensor rows(const std::vector<std::string>& texts) const;
  /// The tokens of a row up to its end.
  std::vector<std::string> tokens(const Tensor& ids) const;
  /// [steps] as a row of Batch.x. Raises an Error where the text has more than steps - 1 tokens.
  Tensor row(const std::string& text) const;

  /// Of the tokenizer, over the ids of this vocabulary; none where nullptr.
  std::shared_ptr<const Grammar> grammar() const { return tokenizer_->grammar(vocabulary_); }

  int64_t steps() const { return steps_; }
  int64_t size() const { return static_cast<int64_t>(vocabulary_.size()); }

 private:
  std::shared_ptr<Tokenizer> tokenizer_;
  std::vector<std::string> vocabulary_;
  std::unordered_map<std::string, int32_t> ids_;
  int64_t steps_ = 0;
};

/// [N, T] ids of texts. Raises an Error where one is too long.
Tensor encode_rows(const Schema& schema, const std::vector<std::string>& texts);
/// The texts of rows of ids [N, T].
std::vector<std::string> texts_of(const Schema& schema, const Tensor& ids);
/// [N, T] 1 up to and including the first end of each row, 0 behind it.
Tensor token_mask(const Tensor& ids);

/// How texts become rows.
struct TokenPlan {
  Json tokens = "characters";    // a tokenizer's declaration
  int64_t max_length = 0;        // tokens of a row without its end; 0 = as many as the longest has
  std::string too_long = "cut";  // or "drop", "refuse": what happens to longer ones
  int64_t min_count = 1;         // tokens that occur less often are unknown
  Json notes = Json::array();    // what a reader has to say of the rows already
};
/// A data set of texts: the vocabulary is learned from them, or is that of `like` where it is
/// given; what was cut, dropped or unknown is counted in the schema's "notes". `rest` brings
/// labels, names and the like of the same rows; its x is left undefined.
Data token_data(const std::vector<std::string>& texts, const TokenPlan& plan, Arrays rest = {},
                const Schema* like = nullptr);

}  // namespace elbo
