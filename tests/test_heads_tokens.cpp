#include <set>

#include "elbo/data/open.h"
#include "elbo/data/tokenizer.h"
#include "elbo/distributions/decoding.h"
#include "elbo/model/head.h"
#include "near.h"
#include "tolerance.h"
#include "toy.h"

namespace elbo {
namespace {

constexpr int64_t kTokens = 4, kSteps = 4;  // three besides the end, at most three in a row

Schema short_rows_of(const char* tokens, const Json& vocabulary) {
  return {{kSteps},
          Kind::kToken,
          {{"tokens", tokens}, {"tokenizer", Json::object()}, {"vocabulary", vocabulary}}};
}

Schema short_rows() { return short_rows_of("characters", {"", kUnknownText, "a", "b"}); }

/// All 1 + 3 + 9 + 27 rows.
Tensor every_row() {
  std::vector<Tensor> rows{torch::zeros({kSteps})};
  for (size_t from = 0, length = 0; length + 1 < kSteps; ++length) {
    const size_t to = rows.size();
    for (; from < to; ++from) {
      for (int64_t token = 1; token < kTokens; ++token) {
        auto longer = rows[from].clone();
        longer[static_cast<int64_t>(length)] = token;
        rows.push_back(longer);
      }
    }
  }
  return torch::stack(rows);
}

std::shared_ptr<Head> make_token_chain(const Json& net, const Json& more = Json::object(),
                                       const Schema& rows = short_rows()) {
  Json declared{{"type", "autoregressive"}, {"net", net}, {"embedding", 6}, {"context", 5}};
  declared.update(more);
  const auto head = heads().make({rows, {rows, {}, {}}}, declared);
  // Far from even: what is likely differs from row to row.
  torch::NoGradGuard no_gradient;
  for (auto& p : head->parameters()) p.mul_(1.7);
  head->eval();
  return head;
}

std::vector<Json> nets() {
  return {{{"type", "gru"}, {"hidden", 7}},
          {{"type", "gru"}, {"hidden", 5}, {"layers", 2}},
          {{"type", "transformer"}, {"features", 8}, {"layers", 2}, {"heads", 2}},
          {{"type", "causal_conv"}, {"hidden", 6}, {"layers", 2}}};
}

TEST_CASE("under a grammar its rows alone are drawn, and training bounds them from below") {
  torch::NoGradGuard no_gradient;
  const auto molecules = short_rows_of("smiles", {"", kUnknownText, "C", "="});
  const auto rows = every_row();
  const auto head = make_token_chain(nets()[0], Json::object(), molecules);
  const auto p = (*head)(torch::randn({1, 5}));
  const auto each = p->row_log_prob(rows, Tensor()).exp();
  double molecular = 0;
  const auto codec = TextCodec(molecules);
  const std::set<std::string> right{"C", "CC", "CCC", "C=C"};
  for (int64_t i = 0; i < rows.size(0); ++i) {
    if (right.count(codec.decode(rows[i]))) molecular += each[i].item<double>();
  }
  CHECK_CLOSE(each.sum().item<double>(), 1, 1e-5);
  CHECK_CLOSE(molecular, 1, 1e-5);
  const auto drawn = p->sample({500});
  for (const auto& text : texts_of(molecules, drawn.view({500, kSteps}))) CHECK(right.count(text));
  const auto bound = [&] {
    head->train();
    return (*head)(torch::zeros({1, 5}))->row_log_prob(codec.row("C=C").unsqueeze(0), Tensor());
  }();
  head->eval();
  const auto exact =
      (*head)(torch::zeros({1, 5}))->row_log_prob(codec.row("C=C").unsqueeze(0), Tensor());
  CHECK_LT(bound.item<double>(), exact.item<double>());
}

TEST_CASE("the probabilities of all short rows of tokens sum to 1") {
  torch::NoGradGuard no_gradient;
  const auto rows = every_row();
  for (const auto& net : nets()) {
    for (const bool tied : {false, true}) {
      CAPTURE(net.dump());
      const auto head = make_token_chain(net, {{"tied", tied}});
      const auto h = torch::randn({1, 5}).expand({rows.size(0), 5}).contiguous();
      const auto log_prob = (*head)(h)->row_log_prob(rows);
      CHECK_CLOSE(log_prob.exp().sum(), torch::ones({}), kGoldenFloat);
      // A mask that hides what is behind the end changes nothing.
      CHECK_CLOSE((*head)(h)->row_log_prob(rows, token_mask(rows)), log_prob, kGoldenFloat);
    }
  }
}

TEST_CASE("draws of rows of tokens occur as often as their density says") {
  torch::NoGradGuard no_gradient;
  constexpr int64_t kDraws = 4000;
  const auto rows = every_row();
  const auto number = [](const Tensor& x) {
    return (x.to(torch::kFloat32) * torch::tensor({64.0F, 16.0F, 4.0F, 1.0F})).sum(1);
  };
  for (const auto& net : nets()) {
    CAPTURE(net.dump());
    const auto head = make_token_chain(net);
    const auto h = torch::randn({1, 5});
    const auto p = (*head)(h);
    const auto probability = p->row_log_prob(rows).exp();
    const auto found = number(p->sample({kDraws}).view({kDraws, kSteps}));
    const auto counts = (found.unsqueeze(0) == number(rows).unsqueeze(1)).sum(1);
    CHECK(counts.sum().item<int64_t>() == kDraws);
    const auto off =
        (counts - kDraws * probability) / (kDraws * probability * (1 - probability) + 1).sqrt();
    CHECK(off.abs().max().item<double>() < kStandardErrors);
    // At temperature 0 each draw is the greedy row, at a low one nearly all are likely ones.
    const auto* decodable = dynamic_cast<const Decodable*>(p.get());
    REQUIRE(decodable);
    Decoding cold;
    cold.temperature = 0;
    CHECK_CLOSE(decodable->decode(cold), p->mean(), 0);
  }
}

TEST_CASE("beam search over enough rows finds the likeliest one") {
  torch::NoGradGuard no_gradient;
  const auto rows = every_row();
  for (const auto& net : nets()) {
    CAPTURE(net.dump());
    const auto head = make_token_chain(net, {{"beam", 50}});
    const auto h = torch::randn({3, 5});
    const auto likeliest = (*head)(h)->mean();
    for (int64_t i = 0; i < 3; ++i) {
      const auto each = (*head)(h.narrow(0, i, 1))->row_log_prob(rows);
      CHECK_CLOSE(likeliest[i], rows[each.argmax().item<int64_t>()], 0);
    }
  }
}

TEST_CASE("rows that begin with given tokens go on from there") {
  torch::NoGradGuard no_gradient;
  const auto head = make_token_chain(nets()[0]);
  const auto p = (*head)(torch::randn({20, 5}));
  Decoding how;
  how.prefix = torch::tensor({2.0F, 3.0F}).expand({20, 2});
  const auto x = dynamic_cast<const Decodable&>(*p).decode(how);
  CHECK_CLOSE(x.narrow(1, 0, 2), how.prefix, 0);
  how.longest = 2;
  CHECK(dynamic_cast<const Decodable&>(*p).decode(how).narrow(1, 2, 2).abs().sum().item<float>() ==
        0);
}

TEST_CASE("a token head refuses what it cannot describe") {
  const Schema numbers{{5}, Kind::kReal, Json::object()};
  CHECK_THROWS_WITH_AS(heads().make({numbers, {numbers, {}, {}}}, Json("autoregressive")),
                       doctest::Contains("describes token"), Error);
  CHECK_THROWS_WITH_AS(make_token_chain(Json("lstm")),
                       doctest::Contains("known: causal_conv, gru, transformer"), Error);
  Context free{short_rows(), {short_rows(), {}, {}}};
  free.role = Role::kFree;
  CHECK_THROWS_WITH_AS(make_head(free, Json("autoregressive")),
                       doctest::Contains("free priors are"), Error);
}

TEST_CASE(
    "an encoder of texts does not see what is behind an end, but sees what stands before it") {
  const Schemas data{short_rows(), {}, {}};
  for (const Json& declared :
       {Json{{"type", "gru"}, {"hidden", 6}, {"pool", "mean"}},
        Json{{"type", "transformer"}, {"features", 8}, {"directions", "forwards"}},
        Json{{"type", "causal_conv"}, {"hidden", 6}}, Json{{"type", "mlp"}, {"hidden", {9}}}}) {
    CAPTURE(declared.dump());
    const auto encoder = make_encoder(declared, data, {4}, 0);
    const auto hidden = std::numeric_limits<float>::quiet_NaN();
    const auto x = torch::tensor({2.0F, 3.0F, 0.0F, 0.0F, 2.0F, 3.0F, 0.0F, hidden,  //
                                  3.0F, 3.0F, 0.0F, 0.0F, hidden, 3.0F, 0.0F, 0.0F})
                       .view({4, 4});
    const auto y = encoder->forward(x);
    CHECK_CLOSE(y[0], y[1], kLayerFloat);
    CHECK(difference(y[2], y[0], kMonteCarloNats) != "");
    CHECK(difference(y[3], y[0], kMonteCarloNats) != "");
    CHECK(y.isfinite().all().item<bool>());
  }
}

TEST_CASE("no model of made sentences beats their entropy, and a trained one comes near it") {
  DataOptions options;
  options.rows = 3000;
  Json spec = default_spec();
  spec.merge_patch({{"latent", {{"type", "flat"}, {"size", 4}}},
                    {"encoder", {{"type", "gru"}, {"hidden", 24}, {"embedding", 16}}},
                    {"likelihood",
                     {{"type", "autoregressive"},
                      {"net", {{"type", "gru"}, {"hidden", 48}}},
                      {"embedding", 16}}}});
  Toy toy(spec, open_data("builtin:sentences", options));
  const double entropy = toy.data->schemas().x.detail["entropy"].get<double>();
  const double before = toy.validate().loss.item<double>();
  toy.train(160, 0.01, 64);
  options.split = "test";
  options.rows = 1000;
  toy.data = open_data("builtin:sentences", options);
  const double after = toy.validate().loss.item<double>();
  CHECK(before > entropy + 5);
  CHECK(after < entropy + kTextNats);
  CHECK(after > entropy - kModelBeatsTruthNats);
}

}  // namespace
}  // namespace elbo
