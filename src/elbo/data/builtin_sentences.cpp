#include <array>
#include <cmath>

#include "elbo/data/builtin.h"
#include "elbo/data/open.h"
#include "elbo/data/reader.h"
#include "elbo/data/tokenizer.h"

// Sentences of a small grammar whose entropy is known.
namespace elbo {
namespace {

constexpr std::array kTopics{"farm", "sea", "town"};
constexpr size_t kWords = 4, kFarWords = 3;
using WordList = std::array<const char*, kWords>;
constexpr std::array<WordList, kTopics.size()> kNouns{{{"cow", "hen", "goat", "horse"},
                                                       {"crab", "whale", "gull", "seal"},
                                                       {"cat", "baker", "judge", "thief"}}};
constexpr std::array<WordList, kTopics.size()> kVerbs{{{"eats", "smells", "finds", "guards"},
                                                       {"hunts", "follows", "hears", "eats"},
                                                       {"meets", "calls", "greets", "follows"}}};
constexpr std::array<const char*, kFarWords> kAdverbs{"today", "again", "slowly"};
constexpr double kAdjective = 0.3, kAdverb = 0.4;  // how often one stands
constexpr WordList kAdjectives{"old", "red", "small", "quiet"};

/// Where the draws of a sentence stand in the stream.
struct GrammarDraw {
  uint64_t stream, at;
  size_t one_of(size_t n) {
    return std::min(n - 1, static_cast<size_t>(uniform_at(stream, at++) * static_cast<double>(n)));
  }
  bool happens(double p) { return uniform_at(stream, at++) < p; }
};

/// the [ADJECTIVE] NOUN, of one topic.
std::string noun_phrase(GrammarDraw& draw, size_t topic) {
  const bool adjective = draw.happens(kAdjective);
  const std::string first = kAdjectives[draw.one_of(kWords)], noun = kNouns[topic][draw.one_of(4)];
  return adjective ? "the " + first + " " + noun : "the " + noun;
}

/// NOUN PHRASE, VERB, NOUN PHRASE [ADVERB], all of one topic.
std::string sentence(GrammarDraw draw, size_t& topic) {
  topic = draw.one_of(kTopics.size());
  auto text = noun_phrase(draw, topic) + " " + kVerbs[topic][draw.one_of(kWords)] + " ";
  text += noun_phrase(draw, topic);
  const bool adverb = draw.happens(kAdverb);
  const std::string last = kAdverbs[draw.one_of(kFarWords)];
  return adverb ? text + " " + last : text;
}

double entropy_of_bit(double p) { return -p * std::log(p) - (1 - p) * std::log(1 - p); }

/// Each sentence tells its topic by its nouns, and no two ways of drawing make the same one, so
/// that entropies add up.
double sentence_entropy() {
  const double four = std::log(4.0);
  const double phrase = entropy_of_bit(kAdjective) + kAdjective * four + four;
  return std::log(3.0) + 2 * phrase + four + entropy_of_bit(kAdverb) + kAdverb * std::log(3.0);
}

Data make_sentences(const MadePart& part) {
  constexpr uint64_t kDraws = 16;  // more than a sentence needs
  std::vector<std::string> texts;
  Arrays rest;
  rest.y = torch::empty({part.rows}, torch::kInt64);
  for (int64_t r = 0; r < part.rows; ++r) {
    size_t topic = 0;
    texts.push_back(sentence({part.stream, static_cast<uint64_t>(r) * kDraws}, topic));
    rest.y.data_ptr<int64_t>()[r] = static_cast<int64_t>(topic);
  }
  rest.schemas.y = category_schema({kTopics.begin(), kTopics.end()});

  // The schema is the same for any number of rows: the longest sentence has eight words.
  Schema schema{{9}, Kind::kToken, {{"tokens", "words"}, {"tokenizer", Json::object()}}};
  schema.detail["vocabulary"] = {"", kUnknownText, " the"};
  const auto add = [&](const auto& words) {
    for (const char* word : words) {
      const auto token = " " + std::string(word);
      auto& list = schema.detail["vocabulary"];
      if (std::find(list.begin(), list.end(), token) == list.end()) list.push_back(token);
    }
  };
  for (size_t k = 0; k < kTopics.size(); ++k) {
    add(kNouns[k]);
    add(kVerbs[k]);
  }
  add(kAdjectives);
  add(kAdverbs);
  schema.detail["entropy"] = sentence_entropy();
  return token_data(texts, {}, std::move(rest), &schema);
}

const bool builtin_sentences_added = builtins().add<NoOptions>(
    "sentences", "sentences of a small grammar on three topics; the entropy is known",
    [](const DataOptions& options, const NoOptions&) {
      refuse_resize(options, "builtin:sentences");
      return make_parts("sentences", options, 10000, 2000, make_sentences);
    });

}  // namespace
}  // namespace elbo
