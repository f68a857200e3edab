#include "elbo/data/tokenizer.h"
#include "elbo/data/utf8.h"

namespace elbo {
namespace {

size_t character_size(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

bool in_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || std::isalnum(byte);
}

/// Whether a word goes on at this place: a letter, or an apostrophe or hyphen between two.
bool word_goes_on(std::string_view text, size_t at) {
  if (at >= text.size()) return false;
  if (in_word(text[at])) return true;
  const bool joins = text[at] == '\'' || text[at] == '-';
  return joins && at + 1 < text.size() && in_word(text[at + 1]) && in_word(text[at - 1]);
}

class Characters : public Tokenizer {
 public:
  std::vector<std::string> split(const std::string& text) const override {
    return characters_of(text);
  }
  std::string join(const std::vector<std::string>& tokens) const override {
    return elbo::join(tokens, "");
  }
};

class Words : public Tokenizer {
 public:
  std::vector<std::string> split(const std::string& text) const override { return words_of(text); }
  std::string join(const std::vector<std::string>& tokens) const override {
    std::string text;
    for (const auto& token : tokens) {
      // An unknown token stands for a word, most of which follow a space.
      text += (token == kUnknownText ? " " : "") + token;
    }
    return text.substr(std::min<size_t>(text.size(), text.starts_with(' ') ? 1 : 0));
  }
};

const bool added_characters =
    tokenizers().add<NoOptions>("characters", "each character by itself",
                                [](const NoOptions&) { return std::make_shared<Characters>(); });
const bool added_words = tokenizers().add<NoOptions>(
    "words", "words and punctuation marks; rare ones become unknown with --min-count",
    [](const NoOptions&) { return std::make_shared<Words>(); });

}  // namespace

std::vector<std::string> characters_of(std::string_view text) {
  std::vector<std::string> list;
  for (size_t at = 0; at < text.size();) {
    const auto size = character_size(text[at]);
    list.emplace_back(text.substr(at, size));
    at += size;
  }
  return list;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> list;
  if (text.empty()) return list;
  const std::string spaced = " " + std::string(text);
  for (size_t at = 0; at < spaced.size();) {
    size_t to = at + (spaced[at] == ' ' && at + 1 < spaced.size() && spaced[at + 1] != ' ' ? 1 : 0);
    if (in_word(spaced[to])) {
      while (word_goes_on(spaced, to)) ++to;
    } else {
      ++to;
    }
    list.push_back(spaced.substr(at, to - at));
    at = to;
  }
  return list;
}

}  // namespace elbo
