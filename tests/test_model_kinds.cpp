#include "elbo/model/spec.h"
#include "files.h"
#include "near.h"

namespace elbo {
namespace {

Schemas data_of(Kind kind) { return {{{4}, kind, Json::object()}, {}, {}}; }

TEST_CASE("a part may name what suits one kind of data, others get what is usual") {
  Json spec = default_spec();
  spec["likelihood"] = {{"for", {{"real", {{"type", "student"}, {"df", 3}}}}}};
  const auto real = resolve(spec, data_of(Kind::kReal));
  CHECK(real["likelihood"] == Json({{"type", "student"}, {"df", 3}}));
  CHECK(resolve(spec, data_of(Kind::kCount))["likelihood"] == "negative_binomial");
  // What a run stores resolves to itself.
  CHECK(resolve(real, data_of(Kind::kReal)) == real);
  // Options beside it go before those of the choice; another type has none of them.
  spec["likelihood"]["df"] = 4;
  CHECK(resolve(spec, data_of(Kind::kReal))["likelihood"] ==
        Json({{"type", "student"}, {"df", 4}}));
  spec["likelihood"]["type"] = "normal";
  spec["likelihood"].erase("df");
  CHECK(resolve(spec, data_of(Kind::kReal))["likelihood"] == Json({{"type", "normal"}}));
  spec["likelihood"] = {{"for", 3}};
  CHECK(error_of([&] {
          resolve(spec, data_of(Kind::kReal));
        }).find("\"for\" names kinds of data") != std::string::npos);
}

TEST_CASE("the Student model has heavy tails for real columns and is built for other kinds, too") {
  const auto spec = model_spec("student_vae");
  CHECK(resolve(spec, data_of(Kind::kReal))["likelihood"]["type"] == "student");
  for (const auto kind : {Kind::kReal, Kind::kUnit, Kind::kBinary, Kind::kCount}) {
    CAPTURE(kind);
    auto patch = spec;
    patch.erase("train");
    const auto schemas = data_of(kind);
    CHECK(build(resolve(patch, schemas), schemas)->parameters().size() > 4);
  }
}

}  // namespace
}  // namespace elbo
