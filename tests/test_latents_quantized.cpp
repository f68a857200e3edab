#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "elbo/latents/quantizer.h"
#include "latents_table.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

/// Puts a codebook's codes where the test wants them, as if training had.
void code_place(Quantizer& quantizer, const Tensor& codes) {
  torch::NoGradGuard no_gradient;
  for (const auto& item : quantizer.named_buffers()) {
    if (item.key() == "stage0.seeded") item.value().fill_(1);
    if (item.key() == "stage0.codes") item.value().copy_(codes);
    if (item.key() == "stage0.sum") item.value().copy_(codes);
    if (item.key() == "stage0.count") item.value().fill_(1);
  }
  for (const auto& item : quantizer.named_parameters()) {
    if (item.key() == "stage0.codes") item.value().copy_(codes);
  }
}

Tensor codes_of(const Quantizer& quantizer) {
  const auto buffers = quantizer.named_buffers();
  const auto* buffer = buffers.find("stage0.codes");
  return (buffer ? *buffer : quantizer.named_parameters()["stage0.codes"]).detach();
}

TEST_CASE("the KL of codes to the uniform prior is log K a code_place, exactly") {
  Schemas data;
  data.x = {{6}, Kind::kBinary, Json::object()};
  for (const int64_t stages : {1, 3}) {
    const Json latent{
        {"type", "quantized"}, {"codes", 7}, {"size", 3}, {"positions", 5}, {"stages", stages}};
    auto model = build(resolve(small_spec(latent), data), data);
    Batch batch;
    batch.x = torch::bernoulli(torch::full({4, 6}, 0.5));
    const auto trace = model->latent->infer(batch, 2);
    const double exact = static_cast<double>(5 * stages) * std::log(7.0);
    CHECK_CLOSE(kl(trace, 4), torch::full({2, 4}, exact), kGoldenFloat);
    const auto drawn = model->latent->generate(500).sites[0].value;
    CHECK(drawn.min().item<double>() == 0);
    CHECK(drawn.max().item<double>() == 6);
    CHECK(drawn.round().equal(drawn));
  }
}

TEST_CASE("a codebook takes the nearest code and passes the gradient by") {
  auto quantizer = make_codebooks({.codes = 3, .size = 2, .commitment = 0});
  code_place(*quantizer, torch::tensor({{0.0, 0.0}, {4.0, 0.0}, {0.0, 4.0}}));
  const auto z = torch::tensor({{0.5, 0.2}, {3.0, 1.0}, {-1.0, 2.5}, {2.5, 0.0}}).requires_grad_();
  const auto q = quantizer->forward(z);
  CHECK(q.indices.equal(torch::tensor({{0}, {1}, {2}, {1}}, torch::kInt64)));
  CHECK_CLOSE(q.values, codes_of(*quantizer).index_select(0, q.indices.squeeze(1)), kGoldenFloat);
  const auto w = torch::tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}, {7.0, 8.0}});
  (q.values * w).sum().backward();
  CHECK(z.grad().equal(w));
  // The codebook's own cost pulls codes to what they stand for: 2 (e - z), summed per code.
  quantizer->forward(z.detach()).cost.sum().backward();
  const auto pull = torch::tensor({{-1.0, -0.4}, {5.0, -2.0}, {2.0, 3.0}});
  CHECK_CLOSE(quantizer->parameters()[0].grad(), pull, kGoldenFloat);
}

TEST_CASE("commitment pulls the encoder to the codes with its weight") {
  auto quantizer = make_codebooks({.codes = 2, .size = 1, .commitment = 0.25});
  code_place(*quantizer, torch::tensor({{0.0}, {10.0}}));
  const auto z = torch::tensor({{1.0}, {8.0}}).requires_grad_();
  const auto cost = quantizer->forward(z).cost;
  CHECK_CLOSE(cost, torch::tensor({1.25 * 1, 1.25 * 4}), kGoldenFloat);
  cost.sum().backward();
  CHECK_CLOSE(z.grad(), torch::tensor({{0.5}, {-1.0}}), kGoldenFloat);
}

TEST_CASE("moving averages without memory are the k-means step, with memory its exact average") {
  const auto z = torch::randn({200, 2}, torch::kFloat32);
  const auto start = torch::tensor({{0.0, 1.0}, {1.0, -1.0}, {-1.0, -1.0}, {50.0, 50.0}});
  for (const double decay : {0.0, 0.9}) {
    auto quantizer = make_codebooks({.codes = 4, .size = 2, .update = "ema", .decay = decay});
    code_place(*quantizer, start);
    const auto nearest = torch::cdist(z, start).argmin(1);
    quantizer->forward(z);
    auto expected = start.clone();
    for (int64_t k = 0; k < 3; ++k) {
      const auto own = z.index_select(0, torch::nonzero(nearest == k).squeeze(1));
      const double n = static_cast<double>(own.size(0));
      expected[k] = (decay * start[k] + (1 - decay) * own.sum(0)) / (decay + (1 - decay) * n);
    }
    CHECK_CLOSE(codes_of(*quantizer), expected, kLayerFloat);
    quantizer->eval();
    quantizer->forward(z);
    CHECK_CLOSE(codes_of(*quantizer), expected, kLayerFloat);
  }
}

TEST_CASE("codes that nothing used over a window come back where the encoder is") {
  for (const char* update : {"gradient", "ema"}) {
    for (const int64_t window : {0, 60}) {
      auto quantizer = make_codebooks({.codes = 3, .size = 2, .window = window, .update = update});
      code_place(*quantizer, torch::tensor({{0.0, 0.0}, {900.0, 900.0}, {-900.0, 900.0}}));
      const auto z = torch::randn({50, 2});
      std::set<int64_t> used;
      for (int step = 0; step < 6; ++step) {
        used.clear();
        const auto q = quantizer->forward(z);
        for (int64_t i = 0; i < 50; ++i) used.insert(q.indices[i][0].item<int64_t>());
      }
      CHECK(used.size() == (window > 0 ? 3 : 1));
      CHECK((codes_of(*quantizer).abs().max().item<double>() < 100) == (window > 0));
    }
  }
}

TEST_CASE("the first batch of training places the codes") {
  auto quantizer = make_codebooks({.codes = 16, .size = 2});
  const auto z = torch::randn({64, 2}) + 100;
  quantizer->forward(z);
  const auto same = (codes_of(*quantizer).unsqueeze(1) == z).all(2);  // [codes, rows]
  CHECK(same.any(1).all().item<bool>());
  CHECK(std::get<0>(torch::unique_dim(codes_of(*quantizer), 0)).size(0) == 16);
}

TEST_CASE("each stage quantizes what the stages before left over") {
  auto quantizer = make_codebooks({.codes = 16, .size = 2, .stages = 4, .update = "ema"});
  const auto z = torch::randn({400, 2});
  for (int step = 0; step < 30; ++step) quantizer->forward(z);
  quantizer->eval();
  const auto q = quantizer->forward(z);
  CHECK(q.indices.size(1) == 4);
  CHECK_CLOSE(quantizer->lookup(q.indices), q.values, kGoldenFloat);
  Tensor sum = torch::zeros_like(z);
  double error = z.square().mean().item<double>();
  for (int64_t stage = 0; stage < 4; ++stage) {
    const auto buffers = quantizer->named_buffers();
    const auto* codes = buffers.find("stage" + std::to_string(stage) + ".codes");
    REQUIRE(codes);
    sum = sum + codes->index_select(0, q.indices.select(1, stage));
    const double left = (z - sum).square().mean().item<double>();
    CHECK(left < 0.5 * error);
    error = left;
  }
  CHECK_CLOSE(sum, q.values, kGoldenFloat);
}

TEST_CASE("scalar levels are all reached, evenly spaced, and found again by their numbers") {
  const std::vector<int64_t> levels{3, 4, 8};
  auto quantizer = make_scalar_levels(levels);
  const auto z = (4 * torch::rand({20000, 3}) - 2).requires_grad_();
  const auto q = quantizer->forward(z);
  CHECK(quantizer->codes() == 96);
  CHECK(std::get<0>(at::_unique(q.indices)).size(0) == 96);
  CHECK_CLOSE(quantizer->lookup(q.indices), q.values, kGoldenFloat);
  const auto column = [&](int64_t i) {
    return std::get<0>(at::_unique(q.values.detach().select(1, i)));
  };
  const auto all = quantizer->lookup(torch::arange(96, torch::kInt64).unsqueeze(1));
  CHECK(std::get<0>(at::_unique(all.select(1, 0))).equal(torch::tensor({-1.0, 0.0, 1.0})));
  CHECK(std::get<0>(at::_unique(all.select(1, 1))).equal(torch::tensor({-1.0, -0.5, 0.0, 0.5})));
  CHECK(std::get<0>(at::_unique(all.select(1, 2))).size(0) == 8);
  CHECK(column(0).numel() >= 3);
  // The gradient is that of the bounding tanh: never zero, never above the outer slope.
  q.values.sum().backward();
  CHECK(z.grad().min().item<double>() > 0);
}

TEST_CASE("signs are found again by their numbers, and the entropy term wants them spread") {
  auto quantizer = make_signs(4, 0.25, 1);
  const auto z = torch::randn({300, 4});
  const auto q = quantizer->forward(z);
  CHECK(quantizer->codes() == 16);
  CHECK(q.values.equal(z.sign()));
  CHECK(quantizer->lookup(q.indices).equal(z.sign()));
  auto entropy_only = make_signs(4, 0, 1);
  const auto certain = 3 * z.sign(), alike = torch::full_like(z, 3);
  const double spread = entropy_only->forward(certain).cost.mean().item<double>();
  CHECK(spread < entropy_only->forward(alike).cost.mean().item<double>() - 2);
  // Certain and spread over all signs: -log 2 a bit.
  CHECK(spread == doctest::Approx(-4 * std::log(2.0)).epsilon(0.01));
}

TEST_CASE("perplexity counts codes over an evaluation, apart from training") {
  auto quantizer = make_signs(2, 0, 0);
  quantizer->eval();
  const auto corners = torch::tensor({{1.0, 1.0}, {1.0, -1.0}, {-1.0, 1.0}, {-1.0, -1.0}});
  for (int i = 0; i < 3; ++i) quantizer->forward(corners);
  CHECK(quantizer->usage()["perplexity"].get<double>() == doctest::Approx(4));
  CHECK(quantizer->usage()["dead"] == 0);
  quantizer->reset_usage();
  CHECK(!quantizer->is_training());
  quantizer->forward(corners.narrow(0, 0, 2));
  CHECK(quantizer->usage()["perplexity"].get<double>() == doctest::Approx(2));
  CHECK(quantizer->usage()["dead"] == 2);
  quantizer->train();
  quantizer->forward(corners.narrow(0, 0, 1));
  CHECK(quantizer->usage()["perplexity"].get<double>() == doctest::Approx(1));
  CHECK(quantizer->usage()["dead"] == 3);
}

}  // namespace
}  // namespace elbo
