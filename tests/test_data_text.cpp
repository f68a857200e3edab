#include <doctest/doctest.h>

#include "elbo/data/open.h"
#include "elbo/data/tokenizer.h"
#include "files.h"
#include "near.h"
#include "open_with.h"
#include "tolerance.h"

namespace elbo {
namespace {

const std::vector<std::string> kTexts = {"Hello, world!",
                                         "don't panic  twice",
                                         "na\xC3\xAFve \xE2\x82\xAC"
                                         "5 \xF0\x9F\x90\x84",
                                         "a",
                                         " leading and trailing ",
                                         "tab\there",
                                         "(well-known)"};

std::vector<std::string> texts_of(const Data& data) {
  return TextCodec(data->schemas().x).texts(data->get(torch::arange(data->size())).x);
}

std::string notes_of(const Data& data) { return data->schemas().x.detail.at("notes").dump(); }

TEST_CASE("what a tokenizer cuts it joins again") {
  for (const Json& declared : {Json("characters"), Json("words"), parse_tokenizer("bpe:60")}) {
    CAPTURE(declared.dump());
    const auto tokenizer = tokenizers().make(declared);
    tokenizer->learn(kTexts);
    for (const auto& text : kTexts) CHECK(tokenizer->join(tokenizer->split(text)) == text);
    TokenPlan plan;
    plan.tokens = declared;
    const auto data = token_data(kTexts, plan);
    CHECK(texts_of(data) == kTexts);
    // The schema alone makes the same tokenizer.
    const auto schema = schema_from_json(to_json(data->schemas().x), "test");
    const auto rows = data->get(torch::arange(data->size())).x;
    CHECK_CLOSE(encode_rows(schema, kTexts), rows, 0);
  }
}

TEST_CASE("tokenizers cut where they should") {
  const auto cut = [](const Json& declared, const std::string& text) {
    return join(tokenizers().make(declared)->split(text), "|");
  };
  CHECK(cut("characters",
            "a\xC3\xAF"
            "b") == "a|\xC3\xAF|b");
  CHECK(cut("words", "Don't go, well-known (x) -") == " Don't| go|,| well-known| (|x|)| -");
  const auto bpe = tokenizers().make(parse_tokenizer("bpe:6"));
  bpe->learn({"ab abab", "ab"});  // characters: space a b; then "ab", then " ab"
  CHECK(join(bpe->split("ab abab b"), "|") == " ab| ab|ab| |b");
  CHECK_THROWS_WITH_AS(parse_tokenizer("bpe:many"), doctest::Contains("is not a size"), Error);
  CHECK_THROWS_WITH_AS(parse_tokenizer("letters"), doctest::Contains("known: bpe, characters"),
                       Error);
}

TEST_CASE("a text file is rows of ids with what is behind their ends masked") {
  TempFolder folder;
  const auto path = folder.file("a.txt", "\xEF\xBB\xBFone two\r\n\n  three.\nfour\n");
  const auto data = open_with(path);
  CHECK(texts_of(data) == std::vector<std::string>{"one two", "three.", "four"});
  CHECK(data->row_name(1) == "line 3");
  const auto schema = data->schemas().x;
  CHECK(schema.kind == Kind::kToken);
  CHECK(schema.shape == Shape{8});
  CHECK(schema.detail["vocabulary"][0] == "");
  const auto batch = data->get(torch::tensor({2, 0}));
  CHECK_CLOSE(batch.mask.sum(1), torch::tensor({5.0, 8.0}), 0);
  CHECK_CLOSE(batch.mask, token_mask(batch.x), 0);
  CHECK(batch.x[0].slice(0, 4).abs().sum().item<double>() == 0);
  CHECK(texts_of(open_with(path, {{"unit", "paragraph"}})) ==
        std::vector<std::string>{"one two", "three. four"});
}

TEST_CASE("sentences end at marks before a space and go on over line ends") {
  TempFolder folder;
  const auto path = folder.file("b.txt", "One. Two is\nlonger! (Is 3.5?) Yes\n\nEnd");
  CHECK(texts_of(open_with(path, {{"unit", "sentence"}})) ==
        std::vector<std::string>{"One.", "Two is longer!", "(Is 3.5?)", "Yes", "End"});
}

TEST_CASE("long rows are cut, dropped or refused, and counted") {
  TempFolder folder;
  const auto path = folder.file("c.txt", "abcdef\nab\nabcd\n");
  const auto cut = open_with(path, {{"max_length", 4}});
  CHECK(texts_of(cut) == std::vector<std::string>{"abcd", "ab", "abcd"});
  CHECK(notes_of(cut).find("1 of 3 rows have more than 4 tokens: cut") != std::string::npos);
  const auto dropped = open_with(path, {{"max_length", 4}, {"long", "drop"}});
  CHECK(texts_of(dropped) == std::vector<std::string>{"ab", "abcd"});
  CHECK(dropped->row_name(0) == "line 2");
  CHECK_THROWS_WITH_AS(open_with(path, {{"max_length", 4}, {"long", "refuse"}}),
                       doctest::Contains("line 1: 6 tokens, allowed are 4"), Error);
}

TEST_CASE("tokens that are rare or not known are unknown, and counted") {
  TempFolder folder;
  const auto first =
      open_with(folder.file("d.txt", "a b a\nb a\nc\n"), {{"tokens", "words"}, {"min_count", 2}});
  CHECK(texts_of(first) == std::vector<std::string>{"a b a", "b a", kUnknownText});
  CHECK(notes_of(first).find("1 of 6 tokens (17 %)") != std::string::npos);
  const auto like = std::make_shared<const Schemas>(first->schemas());
  const auto other =
      open_with(folder.file("e.txt", "a d e\nb b b b\n"), {{"tokens", "words"}}, like);
  CHECK(other->schemas().x.shape == first->schemas().x.shape);
  CHECK(texts_of(other) == std::vector<std::string>{"a \xEF\xBF\xBD \xEF\xBF\xBD", "b b b"});
  CHECK(notes_of(other).find("2 of 7 tokens") != std::string::npos);
  auto changed = first->schemas().x;
  changed.detail["vocabulary"][3] = " z";
  CHECK_THROWS_WITH_AS(check_fits(changed, first->schemas().x, "test"),
                       doctest::Contains("vocabulary: number 4 is \" z\""), Error);
}

TEST_CASE("what is no text is refused by line") {
  TempFolder folder;
  const auto refusal = [&](const std::string& bytes) {
    return error_of([&] { open_with(folder.file("f.txt", bytes)); });
  };
  CHECK(refusal("").find("holds no text") != std::string::npos);
  CHECK(refusal("\n \n").find("holds no text") != std::string::npos);
  CHECK(refusal("good\nb\xFC"
                "d\n")
            .find("line 2 is not UTF-8") != std::string::npos);
  CHECK(refusal(std::string("a\0b", 3)).find("line 1 holds a zero byte") != std::string::npos);
  const auto valid = std::string("some lines\nof text. And more!\n\n\xC3\xA9\n");
  CHECK(fuzz(valid, 200, [&](const std::string& bytes) {
          open_with(folder.file("g.txt", bytes), {{"unit", "sentence"}, {"tokens", "bpe:40"}});
        }) > 10);
}

TEST_CASE("made sentences have the entropy that their schema tells") {
  const auto data = open_data("builtin:sentences", {});
  const auto texts = texts_of(data);
  CHECK(texts.size() == 10000);
  // Entropy of the topic, of the words given the topic: estimated from counts of whole sentences
  // it would be far too low, so parts are held against it.
  double adverbs = 0, words = 0;
  for (const auto& text : texts) {
    const auto list = tokenizers().make(Json("words"))->split(text);
    words += static_cast<double>(list.size());
    for (const char* last : {" today", " again", " slowly"}) adverbs += text.ends_with(last);
  }
  CHECK_CLOSE(adverbs / 10000, 0.4, kMonteCarloShare);
  CHECK_CLOSE(words / 10000, 2 * (2 + 0.3) + 1 + 0.4, kMonteCarloShare);
  const double four = std::log(4.0), bit3 = -0.3 * std::log(0.3) - 0.7 * std::log(0.7),
               bit4 = -0.4 * std::log(0.4) - 0.6 * std::log(0.6);
  CHECK_CLOSE(data->schemas().x.detail["entropy"].get<double>(),
              std::log(3.0) + 3 * four + 2 * (bit3 + 0.3 * four) + bit4 + 0.4 * std::log(3.0),
              kDoubleSums);
}

}  // namespace
}  // namespace elbo
