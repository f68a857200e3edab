#include <cmath>

#include "elbo/eval/diagnose.h"
#include "elbo/train/plan.h"
#include "files.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

/// A run of a few seconds at most, and the rows it is judged by.
class TrainedRun {
 public:
  TrainedRun(const std::string& data, std::vector<std::string> settings, int64_t rows,
             int64_t epochs, const Json& train = Json::object()) {
    TrainRequest request;
    request.data = data;
    request.data_options = {{"rows", rows}, {"binarize", train.value("binarize", "auto")}};
    request.train_options = {{"epochs", epochs}};
    request.train_options["lr"] = train.value("lr", 0.001);
    request.settings = std::move(settings);
    auto plan = plan_training(request);
    run_ = std::make_shared<Run>(Run::create(folder_.at("run"), plan.facts, plan.schemas, false));
    fit(*run_, {}, plan.data);
  }
  Subject subject(const JudgeOptions& options = {}) const {
    return Subject(run_->load(), run_, run_->held_out(nullptr), options);
  }
  std::vector<Finding> findings() const {
    auto judged = subject();
    return diagnose(judged, read_log(*run_));
  }
  const Run& run() const { return *run_; }

 private:
  TempFolder folder_;
  std::shared_ptr<Run> run_;
};

std::vector<std::string> names(const std::vector<Finding>& findings) {
  std::vector<std::string> list;
  for (const auto& f : findings) list.push_back(f.name);
  return list;
}

const std::vector<std::string> kSmall{"encoder.type=mlp", "encoder.hidden=[32]", "decoder.type=mlp",
                                      "decoder.hidden=[32]"};
std::vector<std::string> small(std::vector<std::string> more) {
  more.insert(more.begin(), kSmall.begin(), kSmall.end());
  return more;
}

JudgeOptions few(int64_t rows) {
  JudgeOptions options;
  options.judged = rows;
  return options;
}

TEST_CASE("a healthy run has no finding; a collapsed one is found, with its cause") {
  const TrainedRun healthy("builtin:gaussian", {"latent.size=2"}, 2000, 12);
  CHECK(names(healthy.findings()) == std::vector<std::string>{});

  const TrainedRun collapsed("builtin:gaussian", {"latent.size=2", "objective.beta=100"}, 2000, 12);
  const auto found = collapsed.findings();
  REQUIRE(names(found) == std::vector<std::string>{"posterior_collapse"});
  CHECK(found[0].value == 0);
  CHECK(found[0].cure == "--set objective.beta=1");
  CHECK(found[0].says.find("the KL is weighed 100 times") != std::string::npos);
}

TEST_CASE("dead and exploding units are found, with the layer that they are in") {
  const TrainedRun run("builtin:gaussian", small({"latent.size=2"}), 2000, 12);
  const auto found_after = [&](const std::function<void(Model&)>& spoil) {
    const std::shared_ptr<Model> model = run.run().load();
    spoil(*model);
    Subject judged(model, std::make_shared<Run>(run.run()), run.run().held_out(nullptr), {});
    torch::NoGradGuard no_gradient;
    return diagnose_units(judged);
  };
  CHECK(found_after([](Model&) {}).empty());
  const auto parameter = [](Model& model, const std::string& name) {
    const auto all = model.named_parameters();
    REQUIRE(all.contains(name));
    return all[name].detach();
  };
  const auto dead = found_after([&](Model& m) {
    parameter(m, "latent.encoder.body.hidden0.affine.bias").narrow(0, 0, 30).fill_(-1e4);
  });
  REQUIRE(names(dead) == std::vector<std::string>{"dead_units"});
  CHECK(dead[0].value == doctest::Approx(30.0 / 32));
  CHECK(dead[0].says.find("30 of 32 units of ") != std::string::npos);
  const auto large =
      found_after([&](Model& m) { parameter(m, "decoder.hidden0.affine.weight").mul_(1e9); });
  CHECK(names(large) == std::vector<std::string>{"exploding_units"});
}

TEST_CASE("codes that nothing holds near the prior are a gap") {
  const TrainedRun run("builtin:gaussian", {"latent.size=2", "objective.beta=0"}, 2000, 12,
                       {{"lr", 0.02}});
  const auto found = run.findings();
  REQUIRE(!found.empty());
  CHECK(found[0].name == "prior_gap");
  CHECK(found[0].value > found[0].threshold);
}

TEST_CASE("dimensions without use are found, and fewer advised") {
  const TrainedRun run("builtin:gaussian", {"latent.size=16"}, 2000, 12);
  const auto found = run.findings();
  REQUIRE(!found.empty());
  REQUIRE(found[0].name == "unused_dimensions");
  CHECK(found[0].cure.find("--set latent.size=") == 0);
}

TEST_CASE("blurred reconstructions are found") {
  const TrainedRun run("builtin:digits", small({"latent.size=2", "likelihood=normal"}), 600, 15,
                       {{"binarize", "none"}, {"lr", 0.003}});
  const auto list = names(run.findings());
  CHECK(std::find(list.begin(), list.end(), "blur") != list.end());
}

TEST_CASE("samples and reconstructions that are unlike the data are found") {
  const TrainedRun run("builtin:digits", small({"latent.size=4"}), 1000, 40, {{"lr", 0.003}});
  const auto found_after = [&](const std::function<void(Model&)>& spoil) {
    const std::shared_ptr<Model> model = run.run().load();
    spoil(*model);
    Subject judged(model, std::make_shared<Run>(run.run()), run.run().held_out(nullptr), {});
    torch::NoGradGuard no_gradient;
    return names(diagnose_samples(judged));
  };
  CHECK(found_after([](Model&) {}).empty());
  // Noise for a decoder.
  const auto noisy = found_after([](Model& m) {
    RandomScope scope(1);
    for (auto& p : m.decoder->parameters()) p.detach().normal_(0, 3);
  });
  CHECK(noisy == std::vector<std::string>{"poor_reconstructions", "samples_unlike_data"});
  // One row, whatever the code.
  const auto alike = found_after([](Model& m) {
    for (auto& p : m.decoder->parameters()) p.detach().mul_(p.dim() > 1 ? 0 : 1);
  });
  CHECK(std::find(alike.begin(), alike.end(), "samples_alike") != alike.end());
}

TEST_CASE("each stage of a residual codebook is looked at") {
  const TrainedRun run("builtin:digits",
                       small({"latent.type=quantized", "latent.positions=2", "latent.codes=512",
                              "latent.stages=2", "latent.commitment=0.25", "latent.window=0"}),
                       300, 2);
  const auto list = names(run.findings());
  CHECK(std::count(list.begin(), list.end(), "unused_codes") == 2);
}

TEST_CASE("a codebook of which little is used is found") {
  const TrainedRun run(
      "builtin:digits",
      small({"latent.type=quantized", "latent.positions=2", "latent.codes=512", "latent.window=0"}),
      300, 2);
  const auto list = names(run.findings());
  CHECK(std::find(list.begin(), list.end(), "unused_codes") != list.end());
  auto subject = run.subject();
  const auto result = measure(subject, "codebook", [](double) {});
  CHECK(result["metrics"]["codebook"].dump().find("\"codes\":512") != std::string::npos);
}

std::vector<Json> course(const std::vector<double>& losses) {
  std::vector<Json> log;
  for (const double loss : losses) log.push_back({{"validation", {{"loss", loss}}}});
  return log;
}

TEST_CASE("the course of a training tells over- from underfitting") {
  const TrainedRun run("builtin:gaussian", {}, 100, 1);
  const auto judge = [&](const std::vector<double>& losses) {
    return names(diagnose_training(run.run(), course(losses)));
  };
  CHECK(judge({10, 6, 5, 4.9, 4.85, 4.84, 4.83, 4.82, 4.81, 4.8}).empty());
  CHECK(judge({10, 6, 5, 4.9, 5, 5.2, 5.5, 6, 6.5, 7}) == std::vector<std::string>{"overfitting"});
  CHECK(judge({10, 9, 8, 7, 6}) == std::vector<std::string>{"underfitting"});
  CHECK(judge({10, 11, 12}) == std::vector<std::string>{"no_progress"});
  CHECK(judge({10, 5}).empty());
}

TEST_CASE("every metric gives finite figures with their protocol, or says what it needs") {
  const TrainedRun run("builtin:digits", small({"latent.size=4"}), 600, 3);
  auto subject = run.subject(few(200));
  const auto result = measure(subject, "all", [](double) {});
  const auto& found = result["metrics"];
  CHECK(found.size() + result["left_out"].size() == metrics().entries().size());
  for (const auto& [name, figures] : found.items()) {
    CAPTURE(name);
    CHECK(!figures.value("protocol", Json()).empty());
    for (const auto& [figure, value] : figures.items()) {
      CAPTURE(figure);
      CHECK((value.is_object() || value.is_array() || std::isfinite(value.get<double>())));
    }
  }
  for (const char* share : {"linear_probe", "neighbours"}) {
    CHECK(found[share]["accuracy"].get<double>() > 0.1);
  }
  CHECK(found["frechet"]["protocol"]["features"] == "pixels");
  CHECK(found["information"]["dimension_kl"].size() == 4);
  // The KL is what the codes tell of rows and the distance of their sum from the prior.
  double total = 0;
  for (const auto& kl : found["information"]["dimension_kl"]) total += kl.get<double>();
  CHECK_CLOSE(found["information"]["information"].get<double>() +
                  found["information"]["aggregate_gap"].get<double>(),
              total, kOneDrawOf200Rows);
  CHECK(result["left_out"]["codebook"] == "[metric] codebook: the model has none");
}

TEST_CASE("columns of other units are as far from each other as in units of one") {
  const TrainedRun run("builtin:gaussian", {"latent.size=2"}, 500, 4);
  auto subject = run.subject(few(200));
  const auto& f = subject.features();
  CHECK(f.space == "standardised values");
  CHECK_CLOSE(f.data.std(0, false), torch::ones({8}), kUnitMoments);
}

TEST_CASE("a metric that is named must fit, and names are known ones") {
  const TrainedRun run("builtin:gaussian", {}, 100, 1);
  auto subject = run.subject(few(50));
  const auto refused = [&](const std::string& name) {
    return error_of([&] { measure(subject, name, [](double) {}); });
  };
  CHECK(refused("pictures") == "[metric] pictures: needs pictures, which these data lack");
  CHECK(refused("fid").find("[metric] unknown \"fid\"; known: beta_vae") == 0);
}

TEST_CASE("the classifier whose features samples are measured in is stored beside the run") {
  const TrainedRun run("builtin:digits", small({"latent.size=4"}), 1000, 1);
  auto options = few(300);
  options.features = "classifier";
  const auto judge = [&] {
    auto subject = run.subject(options);
    return measure(subject, "frechet", [](double) {})["metrics"]["frechet"];
  };
  const auto first = judge();
  CHECK(std::filesystem::exists(run.run().path() / "features.safetensors"));
  const auto space = first["protocol"]["features"].get<std::string>();
  REQUIRE(space.find("classifier of this data, accuracy ") == 0);
  CHECK(std::stod(space.substr(space.rfind(' '))) > 0.7);
  CHECK(judge() == first);
  // Another run in the same folder has other data.
  Run::create(run.run().path(), run.run().facts(), run.run().schemas(), true);
  CHECK(!std::filesystem::exists(run.run().path() / "features.safetensors"));
}

}  // namespace
}  // namespace elbo
