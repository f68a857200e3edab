#include <doctest/doctest.h>

#include <cmath>

#include "elbo/coding/array_form.h"
#include "elbo/coding/row_code.h"
#include "elbo/core/error.h"
#include "elbo/core/random.h"
#include "elbo/model/spec.h"
#include "near.h"
#include "tolerance.h"

// Rows as bits by whole models, untrained: what comes back, and how many bits it takes.

namespace elbo {
namespace {

constexpr int64_t kCodedRows = 150;

struct CodedModel {
  const char* name;
  Json latent;
  Kind kind;
  Json likelihood;
};

const CodedModel kCodedModels[] = {
    {"one vector", {{"type", "flat"}, {"size", 4}}, Kind::kBinary, "auto"},
    {"bytes", {{"type", "flat"}, {"size", 4}}, Kind::kByte, "discretized_logistic"},
    {"levels of latents",
     {{"type", "ladder"}, {"sizes", {3, 5}}, {"widths", {8, 16}}, {"strides", {2, 0}}},
     Kind::kByte,
     {{"type", "discretized_logistic"}, {"components", 3}}},
    {"a codebook",
     {{"type", "quantized"}, {"codes", 11}, {"size", 4}, {"positions", 5}, {"stages", 2}},
     Kind::kBinary,
     "auto"},
    {"signs",
     {{"type", "quantized"}, {"method", "signs"}, {"bits", 6}, {"positions", 4}},
     Kind::kBinary,
     "auto"},
    {"levels of codes",
     {{"type", "quantized"}, {"method", "levels"}, {"levels", {3, 5}}, {"positions", 4}},
     Kind::kByte,
     "discretized_logistic"},
};

std::shared_ptr<Model> coded_model(const CodedModel& of, const Schemas& schemas) {
  seed_torch(3);
  const Json dense{{"type", "mlp"}, {"hidden", {16}}};
  auto spec = default_spec();
  spec.merge_patch({{"latent", of.latent},
                    {"likelihood", of.likelihood},
                    {"encoder", dense},
                    {"decoder", dense}});
  auto model = build(resolve(spec, schemas), schemas);
  model->eval();
  return model;
}

/// Bits of all rows by the bound, with some draws each.
double bound_bits(Model& model, const Batch& rows) {
  torch::NoGradGuard no_gradient;
  const auto inference = model.infer(rows, 64);
  return -log_ratio(inference, rows).mean(0).sum().item<double>() / std::log(2.0);
}

TEST_CASE("an array of pictures comes back, its channels first or last") {
  seed_torch(3);
  Batch rows;
  rows.x = (torch::rand({4, 3, 5, 6}) * 255).round() / 255;
  for (const bool last : {false, true}) {
    const auto ordered = (last ? rows.x.permute({0, 2, 3, 1}) : rows.x) * 255;
    const auto bytes = ordered.round().to(torch::kUInt8).contiguous();
    const auto file = "a header" + std::string(static_cast<const char*>(bytes.data_ptr()),
                                               static_cast<size_t>(bytes.numel()));
    const auto form = ArrayForm::of(file, rows);
    REQUIRE(form);
    CHECK(form->kind() == (last ? "array_channels_last" : "array"));
    CHECK(form_from(form->kind(), form->side(), {})->bytes(rows) == file);
  }
  CHECK(!ArrayForm::of("a header" + std::string(360, 'x'), rows));
}

TEST_CASE("rows come back from bits, which are those of the bound") {
  for (const auto& of : kCodedModels) {
    CAPTURE(of.name);
    Schemas schemas;
    schemas.x = {{1, 8, 8}, of.kind, Json::object()};
    const auto model = coded_model(of, schemas);
    Batch rows;
    {
      torch::NoGradGuard no_gradient;
      seed_torch(9);
      rows.x = model->generate(kCodedRows).x->sample();
    }
    const auto code = row_code(model, schemas);
    const auto words = code->encode(rows);
    CHECK(code->decode(words, kCodedRows).x.equal(rows.x));
    const double bound = bound_bits(*model, rows);
    const double bits = 32 * static_cast<double>(words.size());
    CHECK(bits > bound * (1 - kBitsBackShare));
    CHECK(bits < bound * (1 + kBitsBackShare) + 400);
    CHECK_THROWS_AS(code->decode(words, kCodedRows - 1), Error);
    auto other = words;
    other[0] ^= 1;
    CHECK_THROWS_AS(code->decode(other, kCodedRows), Error);
  }
}

TEST_CASE("models without probabilities or with other posteriors are refused by name") {
  Schemas schemas;
  schemas.x = {{4}, Kind::kReal, Json::object()};
  const auto real =
      coded_model({"", {{"type", "flat"}, {"size", 2}}, Kind::kReal, "auto"}, schemas);
  CHECK_THROWS_WITH_AS(row_code(real, schemas), doctest::Contains("densities"), Error);
}

}  // namespace
}  // namespace elbo
