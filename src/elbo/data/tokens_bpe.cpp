#include <algorithm>
#include <map>
#include <queue>
#include <set>

#include "elbo/data/tokenizer.h"
#include "elbo/data/utf8.h"

namespace elbo {
namespace {

using Pair = std::pair<std::string, std::string>;

struct BpeOptions {
  int64_t size = 8000;
  Json merges;
  template <class F>
  void fields(F&& f) {
    f("size", size, "size of the vocabulary to learn, characters included", between(2, 1000000));
    f("merges", merges, "pairs that become one token, in order (default: learned from the data)");
  }
};

/// A word as the data hold it: its pieces so far, and how often it occurs.
struct CountedWord {
  std::vector<std::string> pieces;
  int64_t count;
};

void merge_pieces(std::vector<std::string>& pieces, const Pair& pair) {
  size_t to = 0;
  for (size_t from = 0; from < pieces.size(); ++to) {
    const bool found =
        from + 1 < pieces.size() && pieces[from] == pair.first && pieces[from + 1] == pair.second;
    auto piece = found ? pair.first + pair.second : pieces[from];
    from += found ? 2 : 1;
    pieces[to] = std::move(piece);
  }
  pieces.resize(to);
}

/// Finds the most frequent pair of neighbours again and again; counts follow each merge.
class PairCounts {
 public:
  explicit PairCounts(std::vector<CountedWord> words) : words_(std::move(words)) {
    for (size_t i = 0; i < words_.size(); ++i) add(i, 1);
    for (const auto& [pair, count] : counts_) queue_.push({count, pair});
  }

  /// The most frequent pair, the first in order of the alphabet among equals; a pair that occurs
  /// once only is none.
  std::optional<Pair> most_frequent() {
    while (!queue_.empty()) {
      const auto [count, pair] = queue_.top();
      queue_.pop();
      if (count >= 2 && counts_[pair] == count) return pair;
    }
    return std::nullopt;
  }

  void merge(const Pair& pair) {
    const auto where = std::move(where_[pair]);
    where_.erase(pair);
    std::set<Pair> changed;
    for (const size_t i : where) {
      collect(i, changed);
      add(i, -1);
      merge_pieces(words_[i].pieces, pair);
      add(i, 1);
      collect(i, changed);
    }
    counts_.erase(pair);
    changed.erase(pair);
    for (const auto& other : changed) queue_.push({counts_[other], other});
  }

 private:
  struct Entry {
    int64_t count;
    Pair pair;
    bool operator<(const Entry& other) const {
      return count != other.count ? count < other.count : other.pair < pair;
    }
  };

  template <class F>
  void for_each_pair(size_t word, const F& f) const {
    const auto& pieces = words_[word].pieces;
    for (size_t i = 0; i + 1 < pieces.size(); ++i) f(Pair{pieces[i], pieces[i + 1]});
  }
  void add(size_t word, int64_t sign) {
    for_each_pair(word, [&](const Pair& pair) {
      counts_[pair] += sign * words_[word].count;
      if (sign > 0) where_[pair].insert(word);
    });
  }
  void collect(size_t word, std::set<Pair>& pairs) const {
    for_each_pair(word, [&](const Pair& pair) { pairs.insert(pair); });
  }

  std::vector<CountedWord> words_;
  std::map<Pair, int64_t> counts_;
  std::map<Pair, std::set<size_t>> where_;  // words that hold or held the pair
  std::priority_queue<Entry> queue_;
};

/// Byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909) within words.
class Bpe : public Tokenizer {
 public:
  explicit Bpe(const BpeOptions& options) : size_(options.size) {
    if (options.merges.is_null()) return;
    check(options.merges.is_array(), "[tokens bpe] merges: expected a list of pairs");
    for (const auto& pair : options.merges) {
      check(pair.is_array() && pair.size() == 2 && pair[0].is_string() && pair[1].is_string(),
            "[tokens bpe] merges: ", pair.dump(), " is not a pair of texts");
      add({pair[0], pair[1]});
    }
  }

  void learn(const std::vector<std::string>& texts) override {
    std::map<std::string, int64_t> counts;
    std::set<std::string> known;
    for (const auto& text : texts) {
      for (const auto& word : words_of(text)) ++counts[word];
    }
    std::vector<CountedWord> words;
    for (const auto& [word, count] : counts) {
      words.push_back({characters_of(word), count});
      known.insert(words.back().pieces.begin(), words.back().pieces.end());
    }
    PairCounts pairs(std::move(words));
    while (static_cast<int64_t>(known.size()) < size_) {
      const auto pair = pairs.most_frequent();
      if (!pair) break;
      pairs.merge(*pair);
      known.insert(pair->first + pair->second);
      add(*pair);
    }
  }

  std::vector<std::string> split(const std::string& text) const override {
    std::vector<std::string> tokens;
    for (const auto& word : words_of(text)) {
      auto pieces = characters_of(word);
      while (const auto* pair = first_merge(pieces)) merge_pieces(pieces, *pair);
      tokens.insert(tokens.end(), pieces.begin(), pieces.end());
    }
    return tokens;
  }

  std::string join(const std::vector<std::string>& tokens) const override {
    const auto text = elbo::join(tokens, "");
    return text.starts_with(' ') ? text.substr(1) : text;
  }

  Json learned() const override {
    Json merges = Json::array();
    for (const auto& [first, second] : merges_) merges.push_back({first, second});
    return {{"size", size_}, {"merges", merges}};
  }

 private:
  void add(const Pair& pair) {
    ranks_.emplace(pair, merges_.size());
    merges_.push_back(pair);
  }
  /// The earliest learned merge that these pieces allow.
  const Pair* first_merge(const std::vector<std::string>& pieces) const {
    size_t best = merges_.size();
    for (size_t i = 0; i + 1 < pieces.size(); ++i) {
      const auto found = ranks_.find({pieces[i], pieces[i + 1]});
      if (found != ranks_.end()) best = std::min(best, found->second);
    }
    return best < merges_.size() ? &merges_[best] : nullptr;
  }

  int64_t size_;
  std::vector<Pair> merges_;
  std::map<Pair, size_t> ranks_;
};

const bool tokens_bpe_added = tokenizers().add<BpeOptions>(
    "bpe", "frequent pieces of words, learned from the data (bpe:SIZE)",
    [](const BpeOptions& options) { return std::make_shared<Bpe>(options); });

}  // namespace
}  // namespace elbo
