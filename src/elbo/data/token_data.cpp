#include <algorithm>
#include <numeric>
#include <sstream>

#include "elbo/data/rows.h"
#include "elbo/data/tokenizer.h"

namespace elbo {
namespace {

/// Ids of all rows, one row after the other, padded only within a batch.
class TokenRows : public Dataset {
 public:
  /// `rest`: the same rows without x.
  TokenRows(const std::vector<std::vector<int32_t>>& rows, Schema x, Data rest)
      : rest_(std::move(rest)), schemas_(rest_->schemas()) {
    schemas_.x = std::move(x);
    begins_.push_back(0);
    for (const auto& row : rows) begins_.push_back(begins_.back() + row.size());
    const bool small = schemas_.x.vocabulary().size() < (1u << 15);
    for (const auto& row : rows) {
      if (small) {
        small_.insert(small_.end(), row.begin(), row.end());
      } else {
        large_.insert(large_.end(), row.begin(), row.end());
      }
    }
  }

  int64_t size() const override { return rest_->size(); }
  Schemas schemas() const override { return schemas_; }
  Tensor factors() const override { return rest_->factors(); }
  Tensor weights() const override { return rest_->weights(); }
  std::string row_name(int64_t row) const override { return rest_->row_name(row); }
  Batch get(const Tensor& rows, const Draw& draw) const override {
    const auto checked = checked_rows(rows, size());
    auto batch = rest_->get(checked, draw);
    const int64_t n = checked.size(0), steps = schemas_.x.shape[0];
    batch.x = torch::zeros({n, steps});
    batch.mask = torch::zeros({n, steps});
    for (int64_t i = 0; i < n; ++i) {
      const auto row = static_cast<size_t>(checked.data_ptr<int64_t>()[i]);
      const auto from = begins_[row], length = begins_[row + 1] - from;
      auto* x = batch.x.data_ptr<float>() + i * steps;
      small_.empty() ? std::copy_n(large_.begin() + from, length, x)
                     : std::copy_n(small_.begin() + from, length, x);
      std::fill_n(batch.mask.data_ptr<float>() + i * steps, length + 1, 1.0F);
    }
    return batch;
  }

 private:
  Data rest_;
  Schemas schemas_;
  std::vector<int64_t> begins_;
  std::vector<int16_t> small_;
  std::vector<int32_t> large_;
};

/// Vocabulary of all tokens that are frequent enough, the frequent ones first.
Json vocabulary_of(const Tokenizer& tokenizer, const std::vector<std::string>& texts,
                   int64_t min_count) {
  std::unordered_map<std::string, int64_t> counts;
  for (const auto& text : texts) {
    for (const auto& token : tokenizer.split(text)) ++counts[token];
  }
  std::vector<std::pair<std::string, int64_t>> sorted(counts.begin(), counts.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  Json vocabulary{"", kUnknownText};
  for (const auto& [token, count] : sorted) {
    if (count >= min_count && token != kUnknownText) vocabulary.push_back(token);
  }
  return vocabulary;
}

Schema learned_schema(const std::vector<std::string>& texts, const TokenPlan& plan) {
  const auto tokenizer = tokenizers().make(plan.tokens);
  tokenizer->learn(texts);
  const Json& name = plan.tokens.is_string() ? plan.tokens : plan.tokens.at("type");
  return {{1},
          Kind::kToken,
          {{"tokens", name},
           {"tokenizer", tokenizer->learned()},
           {"vocabulary", vocabulary_of(*tokenizer, texts, plan.min_count)}}};
}

struct Encoded {
  std::vector<std::vector<int32_t>> rows;
  int64_t unknown = 0, tokens = 0;
};

Encoded encode_all_texts(const std::vector<std::string>& texts, const Schema& schema) {
  const TextCodec codec(schema);
  Encoded all;
  for (const auto& text : texts) {
    all.rows.push_back(codec.encode(text, &all.unknown));
    all.tokens += static_cast<int64_t>(all.rows.back().size());
  }
  return all;
}

/// Cuts or drops what is too long; the places of the rows that stay.
std::vector<int64_t> fit_lengths(std::vector<std::vector<int32_t>>& rows, int64_t longest,
                                 const TokenPlan& plan, const Arrays& rest, Json& notes) {
  std::vector<int64_t> kept;
  int64_t longer = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto length = static_cast<int64_t>(rows[i].size());
    if (length > longest) {
      const auto name = rest.names.empty() ? "row " + std::to_string(i) : rest.names[i];
      check(plan.too_long != "refuse", "[text] ", name, ": ", length, " tokens, allowed are ",
            longest, "; --long cut or --long drop reads on, --max-length allows more");
      ++longer;
      if (plan.too_long == "drop") continue;
      rows[i].resize(static_cast<size_t>(longest));
    }
    kept.push_back(static_cast<int64_t>(i));
  }
  if (longer > 0) {
    std::ostringstream note;
    note << longer << " of " << rows.size() << " rows have more than " << longest
         << " tokens: " << (plan.too_long == "drop" ? "dropped" : "cut")
         << " (--max-length, --long)";
    notes.push_back(note.str());
  }
  return kept;
}

}  // namespace

Data token_data(const std::vector<std::string>& texts, const TokenPlan& plan, Arrays rest,
                const Schema* like) {
  check(!texts.empty(), "[text] the source holds no text");
  auto schema = like ? *like : learned_schema(texts, plan);
  auto all = encode_all_texts(texts, schema);
  size_t most = 0;
  for (const auto& row : all.rows) most = std::max(most, row.size());
  int64_t longest = like ? schema.shape[0] - 1 : static_cast<int64_t>(most);
  if (!like && plan.max_length > 0) longest = std::min(longest, plan.max_length);
  schema.shape = {longest + 1};

  Json notes = plan.notes;
  const auto kept = fit_lengths(all.rows, longest, plan, rest, notes);
  check(!kept.empty(), "[text] every row is longer than ", longest, " tokens");
  if (all.unknown > 0) {
    std::ostringstream note;
    note.precision(2);
    note << all.unknown << " of " << all.tokens << " tokens ("
         << 100.0 * static_cast<double>(all.unknown) / static_cast<double>(all.tokens)
         << " %) are not in the vocabulary of " << schema.vocabulary().size()
         << " and read as unknown";
    notes.push_back(note.str());
  }
  schema.detail["notes"] = notes;

  // The rest of the rows goes the way of all arrays; x is a stand-in there.
  rest.x = torch::zeros({static_cast<int64_t>(texts.size()), 1});
  rest.schemas.x = {{1}, Kind::kReal, Json::object()};
  auto others = in_memory(std::move(rest));
  std::vector<std::vector<int32_t>> rows;
  for (const int64_t i : kept) rows.push_back(std::move(all.rows[static_cast<size_t>(i)]));
  if (kept.size() < all.rows.size()) others = subset(others, kept);
  return std::make_shared<TokenRows>(rows, std::move(schema), std::move(others));
}

}  // namespace elbo
