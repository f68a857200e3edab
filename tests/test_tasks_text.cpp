#include "elbo/eval/edit_distance.h"
#include "elbo/tasks/comparison.h"
#include "elbo/tasks/text_gaps.h"
#include "near.h"
#include "tolerance.h"
#include "toy.h"

namespace elbo {
namespace {

constexpr int64_t kLongest = 2;

Schema letters() {
  const Json vocabulary{"", kUnknownText, "a", "b"};
  return {{6},
          Kind::kToken,
          {{"tokens", "characters"}, {"tokenizer", Json::object()}, {"vocabulary", vocabulary}}};
}

/// A model of short rows of letters whose decoder leaves its code unread.
std::shared_ptr<Model> model_of_letters() {
  Json spec = default_spec();
  spec.merge_patch({{"latent", {{"type", "flat"}, {"size", 2}}},
                    {"encoder", {{"type", "gru"}, {"hidden", 5}, {"embedding", 4}}},
                    {"likelihood",
                     {{"type", "autoregressive"},
                      {"net", {{"type", "gru"}, {"hidden", 7}}},
                      {"embedding", 6}}}});
  const Schemas data{letters(), {}, {}};
  const auto model = build(resolve(spec, data), data);
  torch::NoGradGuard no_gradient;
  for (auto& p : model->likelihood->parameters()) p.mul_(1.7);
  for (auto& p : model->decoder->parameters()) p.zero_();
  model->eval();
  return model;
}

/// p(text), the same for every code.
double probability_of(Model& model, const std::string& text) {
  torch::NoGradGuard no_gradient;
  return model.decode(torch::zeros({1, 2}))
      ->row_log_prob(encode_rows(letters(), {text}))
      .exp()
      .item<double>();
}

size_t encode_length(const std::string& text) { return TextCodec(letters()).encode(text).size(); }

/// Texts of the letters a and b and the unknown one, of 1 … kLongest letters.
std::vector<std::string> fillings() {
  const std::vector<std::string> one{"a", "b", kUnknownText};
  auto list = one;
  for (const auto& first : one) {
    for (const auto& second : one) list.push_back(first + second);
  }
  return list;
}

TEST_CASE("gaps of a text are filled with the probabilities that the model gives whole texts") {
  const auto model = model_of_letters();
  const auto layout = code_layout(*model, {letters(), {}, {}});
  // With one gap, and with two of which each changes what the other may be.
  for (const bool two : {false, true}) {
    CAPTURE(two);
    std::map<std::string, double> exact;
    double sum = 0;
    for (const auto& first : fillings()) {
      for (const auto& second : two ? fillings() : std::vector<std::string>{""}) {
        const auto text = "a" + first + "b" + second;
        if (encode_length(text) > 5) continue;
        sum += exact[text] += probability_of(*model, text);
      }
    }
    const auto found =
        fill_gaps(*model, letters(), layout, two ? "a___b___" : "a___b", {4000, kLongest});
    double total = 0;
    for (const auto& filled : found) {
      CAPTURE(filled.text);
      REQUIRE(exact.count(filled.text) == 1);
      CHECK(std::abs(filled.probability - exact[filled.text] / sum) < kMonteCarloShare);
      total += filled.probability;
    }
    CHECK_CLOSE(total, 1, kGoldenFloat);
    CHECK(found.front().probability >= found.back().probability);
  }
}

TEST_CASE("a text without a gap, or without room for one, is refused") {
  const auto model = model_of_letters();
  const auto layout = code_layout(*model, {letters(), {}, {}});
  CHECK_THROWS_WITH_AS(fill_gaps(*model, letters(), layout, "ab", {}), doctest::Contains("no gap"),
                       Error);
  CHECK_THROWS_WITH_AS(fill_gaps(*model, letters(), layout, "abab___a", {}),
                       doctest::Contains("6 tokens with its gaps"), Error);
}

TEST_CASE("edit distances count what must be changed") {
  const auto distance = [](const std::string& a, const std::string& b) {
    return edit_distance({a.begin(), a.end()}, {b.begin(), b.end()});
  };
  CHECK(distance("kitten", "sitting") == 3);
  CHECK(distance("", "abc") == 3);
  CHECK(distance("abc", "abc") == 0);
  CHECK(distance("abcd", "acd") == 1);
  CHECK(tokens_before_end(torch::tensor({3.0F, 2.0F, 0.0F, 2.0F})) == std::vector<int64_t>{3, 2});
}

TEST_CASE("reconstructions of texts are compared by tokens, others by squares") {
  const auto comparison = make_comparison(letters());
  Batch batch;
  batch.x = encode_rows(letters(), {"ab", "aab"});
  comparison->add(batch, encode_rows(letters(), {"ab", "ab"}));
  const auto figures = comparison->figures();
  CHECK(figures["exact_match"] == 0.5);
  CHECK_CLOSE(figures["edit_distance"].get<double>(), 0.5, kGoldenDouble);
  CHECK_CLOSE(figures["edited_share"].get<double>(), 1.0 / 6, kGoldenDouble);
  CHECK_CLOSE(figures["token_accuracy"].get<double>(), 0.5 * (1 + 0.25), kGoldenFloat);
  CHECK(make_comparison({{2}, Kind::kReal, Json::object()})
            ->figures()
            .contains("root_mean_squared_error"));
}

}  // namespace
}  // namespace elbo
