#include <doctest/doctest.h>
#include <torch/autograd.h>

#include <algorithm>

#include "elbo/core/random.h"
#include "elbo/kernels/choice.h"
#include "elbo/model/spec.h"
#include "elbo/nn/gradients.h"
#include "elbo/nn/group_norm.h"
#include "elbo/nn/picture_memory.h"
#include "elbo/nn/picture_network.h"
#include "elbo/nn/picture_rows.h"
#include "golden_tables.h"
#include "near.h"
#include "tolerance.h"

using namespace elbo;

namespace {

/// As tools/make_golden_autoencoder.py has them.
void set_weights(torch::nn::Module& network) {
  torch::NoGradGuard no_gradient;
  auto named = network.named_parameters();
  std::vector<std::string> names = named.keys();
  std::sort(names.begin(), names.end());
  for (size_t k = 0; k < names.size(); ++k) {
    auto& p = named[names[k]];
    const auto layer = names[k].substr(0, names[k].rfind('.'));
    const bool norm = layer.substr(layer.rfind('.') + 1).find("norm") != std::string::npos;
    const auto i = torch::arange(p.numel(), torch::kFloat64);
    const double plus = norm && names[k].ends_with("weight") ? 1 : 0;
    p.copy_(((1.3 * i + 0.5 * static_cast<double>(k)).sin() / 4 + plus).view(p.sizes()));
  }
}

Tensor golden_numbers(const Json& list, const Tensor& like) {
  return torch::tensor(list.get<std::vector<double>>(), torch::kFloat64).view(like.sizes());
}

Json declared(const Json& c, const char* side) {
  return {{"type", "autoencoder_kl"},
          {"channels", c["channels"]},
          {"blocks", c["blocks"]},
          {"groups", c["groups"]},
          {"attention", c["attention"]},
          {"code_layer", c["code_layer"]},
          {"side", side}};
}

struct Sides {
  std::shared_ptr<Network> encoder, decoder;
};
Sides sides_of(const Json& c) {
  const int64_t z = c["latent"], height = c["size"][0], width = c["size"][1];
  const int64_t factor = int64_t{1} << (c["channels"].size() - 1);
  const Shape picture{3, height, width}, code{z, height / factor, width / factor};
  const Shape moments{2 * z, code[1], code[2]};
  return {networks().make({picture, moments}, declared(c, "encoder")),
          networks().make({code, picture}, declared(c, "decoder"))};
}

}  // namespace

TEST_CASE("an image autoencoder computes what PyTorch's functions do") {
  const auto golden = golden_file("autoencoder");
  REQUIRE(golden["cases"].size() == 3);
  for (const auto& c : golden["cases"]) {
    CAPTURE(c["channels"].dump());
    const auto [encoder, decoder] = sides_of(c);
    set_weights(*encoder);
    set_weights(*decoder);
    const int64_t z = c["latent"], height = c["size"][0], width = c["size"][1];
    const int64_t factor = int64_t{1} << (c["channels"].size() - 1);
    const auto x = torch::arange(2 * 3 * height * width, torch::kFloat64).sin() / 2 + 0.5;
    const auto code =
        torch::arange(2 * z * height * width / factor / factor, torch::kFloat64).cos();
    for (const bool training : {true, false}) {
      const torch::AutoGradMode gradient(training);
      const auto h = encoder->forward(x.view({2, 3, height, width}).to(torch::kFloat32));
      check_near(h, golden_numbers(c["encoded"], h), kLayerFloat);
      const auto y =
          decoder->forward(code.view({2, z, height / factor, width / factor}).to(torch::kFloat32));
      check_near(y, golden_numbers(c["decoded"], y), kLayerFloat);
    }
    encoder->to(torch::kFloat64);
    set_weights(*encoder);
    const auto h = encoder->forward(x.view({2, 3, height, width}));
    CHECK_CLOSE(h, golden_numbers(c["encoded"], h), 1e-7);
  }
}

TEST_CASE("a picture that goes through in bands gives what it gives as a whole") {
  const torch::NoGradGuard no_gradient;
  seed_torch(3);
  const auto known = golden_file("autoencoder");
  for (const auto& c : known["cases"]) {
    CAPTURE(c["channels"].dump());
    const auto [encoder, decoder] = sides_of(c);
    set_weights(*encoder);
    set_weights(*decoder);
    const int64_t factor = int64_t{1} << (c["channels"].size() - 1);
    // Of another size than the networks were built for; two rows.
    const auto x = torch::rand({2, 3, 36 * factor, 20 * factor});
    const auto code = torch::randn({2, c["latent"].get<int64_t>(), 37, 9});
    const auto h = encoder->forward(x), y = decoder->forward(code);
    CHECK(h.size(2) == 36);
    CHECK(y.size(3) == 9 * factor);
    const auto* network = dynamic_cast<PictureNetwork*>(decoder.get());
    REQUIRE(network);
    CHECK(network->factor() == factor);
    const auto most = network->peak_bytes({c["latent"], 37, 9});
    for (const int64_t bytes : {int64_t{1}, most / 8, most / 3, 2 * most + 1}) {
      CAPTURE(bytes);
      const PictureMemory memory(bytes);
      check_near(encoder->forward(x), h, kLayerFloat);
      check_near(decoder->forward(code), y, kLayerFloat);
    }
  }
}

TEST_CASE("a tiny image autoencoder computes what PyTorch's functions do, in bands too") {
  const torch::NoGradGuard no_gradient;
  const auto known = golden_file("autoencoder");
  for (const auto& c : known["tiny"]) {
    const int64_t z = c["latent"], height = c["size"][0], width = c["size"][1];
    const int64_t factor = int64_t{1} << (c["encoder_blocks"].size() - 1);
    const Shape picture{3, height, width}, code{z, height / factor, width / factor};
    const auto side = [&](const char* blocks, const Shape& in, const Shape& out) {
      const auto network = networks().make(
          {in, out},
          {{"type", "autoencoder_tiny"}, {"channels", c["channels"]}, {"blocks", c[blocks]}});
      set_weights(*network);
      return network;
    };
    const auto encoder = side("encoder_blocks", picture, code);
    const auto decoder = side("decoder_blocks", code, picture);
    const auto x = (torch::arange(2 * numel(picture), torch::kFloat64).sin() / 2 + 0.5)
                       .view(with_rows(2, picture));
    const auto codes =
        4 * torch::arange(2 * numel(code), torch::kFloat64).cos().view(with_rows(2, code));
    const auto h = encoder->forward(x.to(torch::kFloat32));
    check_near(h, golden_numbers(c["encoded"], h), kLayerFloat);
    const auto y = decoder->forward(codes.to(torch::kFloat32));
    check_near(y, golden_numbers(c["decoded"], y), kLayerFloat);
    const auto large = torch::rand({1, 3, 41 * factor, 5 * factor});
    const auto many = torch::randn({1, z, 41, 5});
    const auto whole = encoder->forward(large), back = decoder->forward(many);
    const PictureMemory memory(1);
    check_near(encoder->forward(large), whole, kLayerFloat);
    check_near(decoder->forward(many), back, kLayerFloat);
  }
}

TEST_CASE("attention with blocks of queries is attention") {
  const torch::NoGradGuard no_gradient;
  const Json c{{"channels", {4}},     {"blocks", 1}, {"groups", 2},     {"attention", true},
               {"code_layer", false}, {"latent", 1}, {"size", {72, 60}}};
  const auto encoder = sides_of(c).encoder;
  set_weights(*encoder);
  const auto x = torch::rand({1, 3, 72, 60});
  const auto blocks = encoder->forward(x);
  {
    const PictureMemory memory(1);
    check_near(encoder->forward(x), blocks, kLayerFloat);
  }
  encoder->to(torch::kFloat64);
  const PlainOperations plain;
  check_near(blocks, encoder->forward(x.to(torch::kFloat64)), kLayerFloat);
}

TEST_CASE("bands are counted by the widest picture on the way") {
  const auto layer = [](int64_t in, int64_t out, int64_t stride) {
    return std::make_shared<Convolution>(
        ConvolutionPlan{in, out, {3, 3}, {stride, stride}, {1, 1}});
  };
  const auto picture = whole_rows(torch::rand({1, 3, 32, 40}));
  const auto wide = convolved_rows(picture, layer(3, 16, 1));
  CHECK(picture->row_bytes() == 4 * 3 * 40);
  CHECK(wide->row_bytes() == 4 * 16 * 40);
  CHECK(convolved_rows(wide, layer(16, 2, 1))->row_bytes() == 4 * 16 * 40);
  // Two rows above for one below; half a row above for one that is doubled.
  CHECK(convolved_rows(wide, layer(16, 2, 2))->row_bytes() == 2 * 4 * 16 * 40);
  CHECK(convolved_rows(doubled_rows(wide), layer(16, 1, 1))->row_bytes() == 4 * 16 * 80);
}

TEST_CASE("an image autoencoder refuses sizes and channels that do not fit") {
  const auto make = [](const Json& options, const Shape& in, const Shape& out) {
    Json declaration{{"type", "autoencoder_kl"}, {"groups", 2}};
    declaration.update(options);
    return networks().make({in, out}, declaration);
  };
  CHECK_THROWS_AS(make({{"channels", {4, 5}}}, {3, 8, 8}, {4, 4, 4}), Error);
  CHECK_THROWS_AS(make({{"channels", {4, 4}}}, {3, 8, 8}, {4, 2, 2}), Error);
  CHECK_THROWS_AS(make({{"channels", {4, 4}}}, {3, 9, 9}, {4, 4, 4}), Error);
  CHECK_THROWS_AS(make({{"channels", {4}}}, {16}, {3, 8, 8}), Error);
  const auto encoder = make({{"channels", {4, 4, 4}}}, {3, 8, 8}, {4, 2, 2});
  CHECK_THROWS_AS(encoder->forward(torch::rand({1, 4, 8, 8})), Error);
  CHECK_THROWS_AS(encoder->forward(torch::rand({1, 3, 2, 8})), Error);
}

TEST_CASE("a normal posterior reads log variances") {
  const Schema z{{2}, Kind::kReal, Json::object()};
  const auto head = make_head({z, {}}, {{"type", "normal"},
                                        {"output", "log_variance"},
                                        {"min_log_scale", -15},
                                        {"max_log_scale", 10}});
  const auto q = (*head)(torch::tensor({{1.0F, 2.0F, -2.0F, 50.0F}}));
  CHECK_CLOSE(q->mean(), torch::tensor({{1.0F, 2.0F}}), 0);
  CHECK_CLOSE(q->stddev(), torch::tensor({{std::exp(-1.0F), std::exp(10.0F)}}), 1e-5);
}

TEST_CASE("the fused group norm has the gradients of ATen's in double precision") {
  for (const bool silu : {false, true}) {
    for (const double centre : {0.0, 20.0}) {
      CAPTURE(silu);
      CAPTURE(centre);
      torch::manual_seed(3);
      GroupNorm norm(24, 4, 1e-6, silu);
      auto parameters = norm.parameters();
      {
        torch::NoGradGuard no_gradient;
        for (auto& p : parameters) p.add_(torch::randn_like(p));
      }
      const auto x = (centre + torch::randn({3, 24, 7, 5})).requires_grad_();
      const auto dy = torch::randn_like(x);
      auto inputs = parameters;
      inputs.push_back(x);
      const auto fused = torch::autograd::grad({norm.forward(x)}, inputs, {dy});
      norm.to(torch::kFloat64);
      const auto wide = x.detach().to(torch::kFloat64).requires_grad_();
      inputs = norm.parameters();
      inputs.push_back(wide);
      const auto y = norm.forward(wide);
      const auto plain = torch::autograd::grad({y}, inputs, {dy.to(torch::kFloat64)});
      for (size_t i = 0; i < plain.size(); ++i) check_near(fused[i], plain[i], kGoldenFloat);
    }
  }
}

TEST_CASE("training adds the fused group norm's gradients to those that parameters hold") {
  torch::manual_seed(3);
  GroupNorm norm(8, 2, 1e-6, true);
  const auto x = torch::randn({2, 8, 4, 4});
  const auto expected = torch::autograd::grad({norm.forward(x).square().sum()}, norm.parameters());
  auto parameters = norm.parameters();
  for (auto& p : parameters) p.mutable_grad() = torch::ones_like(p);
  const DirectGradients direct;
  norm.forward(x).square().sum().backward();
  for (size_t i = 0; i < parameters.size(); ++i) {
    CHECK_CLOSE(parameters[i].grad(), expected[i] + 1, kFloatSums);
  }
}
