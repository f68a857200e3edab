#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "elbo/core/random.h"
#include "elbo/group/agreement.h"
#include "elbo/group/join.h"
#include "elbo/group/row_draws.h"
#include "elbo/kernels/update.h"
#include "elbo/nn/norm.h"
#include "elbo/objectives/discrepancy.h"
#include "elbo/train/gradient_sum.h"
#include "elbo/train/optimizer.h"
#include "files.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

Environment of(std::map<std::string, std::string> variables) {
  const auto kept = std::make_shared<std::map<std::string, std::string>>(std::move(variables));
  return [kept](const char* name) {
    const auto at = kept->find(name);
    return at == kept->end() ? nullptr : at->second.c_str();
  };
}

/// A group of identical processes, of which one is here.
class Twins : public Group {
 public:
  int64_t rank() const override { return 0; }
  int64_t size() const override { return 2; }
  void sum(const Tensor& t) override { t.mul_(2); }
  void copy_first(const Tensor&) override {}
  Tensor gather(const Tensor& rows) override { return torch::cat({rows, rows}); }
  std::unique_ptr<Sum> begin_sum(const Tensor& t, std::function<void()> done) override {
    t.mul_(2);
    ++begun;
    if (done) done();
    return std::make_unique<Done>();
  }
  void give_up(const std::string&) override {}

  int begun = 0;

 private:
  struct Done : Sum {
    void wait() override {}
  };
};

/// What f draws in one piece, and in parts put together along an axis.
template <class F>
void check_parts(int64_t axis, const F& f) {
  constexpr int64_t kRows = 12;
  seed_torch(5);
  const Tensor whole = f(kRows);
  const auto after = torch_random_state();
  std::vector<Tensor> parts;
  for (const auto& part : {RowPart{0, 4, kRows}, RowPart{4, 4, kRows}, RowPart{8, 4, kRows}}) {
    seed_torch(5);
    const RowDraws draws(part);
    const Tensor own = f(part.count);
    // [S*B, …]: rows of each particle lie together.
    parts.push_back(axis == 0 ? own.view({own.size(0) / 4, 4, -1}) : own);
    CHECK(torch_random_state().equal(after));
  }
  const auto found = torch::cat(parts, 1).reshape(whole.sizes());
  CHECK(found.equal(whole));
}

}  // namespace

TEST_CASE("rows draw what they would draw within the whole batch") {
  check_parts(0, [](int64_t rows) { return torch::randn({rows, 7}); });
  check_parts(0, [](int64_t rows) { return torch::rand({3 * rows, 2, 5}); });
  for (const int64_t particles : {5, 8}) {  // 8: also a multiple of the rows of a part
    check_parts(1, [&](int64_t rows) {
      const RowAxis axis(1);
      return torch::randn({particles, rows, 3});
    });
  }
  check_parts(0, [](int64_t rows) {  // one distribution over as many values as a part has rows
    return torch::multinomial(torch::ones({4}), rows, true).to(torch::kFloat32);
  });
  check_parts(0, [](int64_t rows) { return torch::randint(9, {rows, 4}).to(torch::kFloat32); });
  check_parts(0, [](int64_t rows) { return torch::dropout(torch::ones({rows, 30}), 0.5, true); });
  check_parts(0, [](int64_t rows) { return torch::bernoulli(torch::full({rows, 6}, 0.3)); });
  check_parts(0, [](int64_t rows) {
    return torch::multinomial(torch::ones({rows, 8}), 5, true).to(torch::kFloat32);
  });
  check_parts(0, [](int64_t rows) { return torch::empty({rows, 3}).exponential_(); });
}

TEST_CASE("draws that concern no rows are the same in every part") {
  seed_torch(6);
  const auto expected = torch::randn({8, 3});
  seed_torch(6);
  const RowDraws draws({4, 4, 8});
  {
    const WholeDraws whole;
    CHECK(torch::randn({8, 3}).equal(expected));
  }
  seed_torch(6);
  const RowDraws other({0, 5, 10});
  CHECK(torch::randn({8, 3}).equal(expected));  // no five rows in eight
}

TEST_CASE("directions of features are the same in every part") {
  const auto x = torch::arange(64.0).view({8, 8}).to(torch::kFloat32), y = x * x;
  seed_torch(7);
  const auto expected = sliced_wasserstein(x, y, 5);
  seed_torch(7);
  const RowDraws draws({4, 4, 8});
  CHECK(sliced_wasserstein(x, y, 5).equal(expected));
}

TEST_CASE("launchers' variables are read as they are set") {
  CHECK(!find_launch(of({})));
  CHECK(!find_launch(of({{"RANK", "0"}, {"WORLD_SIZE", "1"}})));
  const auto torchrun = find_launch(of({{"RANK", "3"},
                                        {"WORLD_SIZE", "4"},
                                        {"LOCAL_RANK", "1"},
                                        {"LOCAL_WORLD_SIZE", "2"},
                                        {"MASTER_ADDR", "node7"},
                                        {"MASTER_PORT", "1234"},
                                        {"ELBO_SECRET", "word"},
                                        {"TORCHELASTIC_USE_AGENT_STORE", "True"}}));
  REQUIRE(torchrun.has_value());
  CHECK(torchrun->secret == "word");
  CHECK(torchrun->rank == 3);
  CHECK(torchrun->local_size == 2);
  CHECK(torchrun->address == "node7");
  CHECK(torchrun->port == 1234);
  CHECK(torchrun->hosted);
  const auto mpirun = find_launch(of({{"OMPI_COMM_WORLD_RANK", "1"},
                                      {"OMPI_COMM_WORLD_SIZE", "2"},
                                      {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                                      {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}}));
  REQUIRE(mpirun.has_value());
  CHECK(mpirun->address == "127.0.0.1");
  const auto srun = find_launch(of({{"SLURM_PROCID", "5"},
                                    {"SLURM_STEP_NUM_TASKS", "8"},
                                    {"SLURM_LOCALID", "1"},
                                    {"SLURM_STEP_TASKS_PER_NODE", "4(x2)"},
                                    {"SLURM_JOB_ID", "123456"},
                                    {"SLURM_STEP_NODELIST", "rack2-n[07-08]"}}));
  REQUIRE(srun.has_value());
  CHECK(srun->local_size == 4);
  CHECK(srun->address == "rack2-n07");
  CHECK(srun->port == 23456);
  // A batch script without srun is one process.
  CHECK(!find_launch(of({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}})));
}

TEST_CASE("launchers' variables that make no sense are refused by name") {
  const auto refusal = [](std::map<std::string, std::string> variables) {
    return error_of([&] { find_launch(of(std::move(variables))); });
  };
  CHECK(refusal({{"RANK", "2"}, {"WORLD_SIZE", "2"}}).find("RANK: found \"2\"") !=
        std::string::npos);
  CHECK(refusal({{"RANK", "0"}, {"WORLD_SIZE", "two"}}).find("WORLD_SIZE") != std::string::npos);
  CHECK(refusal({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"LOCAL_RANK", "0"}}).find("MASTER_ADDR") !=
        std::string::npos);
}

TEST_CASE("gradients are summed once each, and before the backward pass has ended") {
  const auto twins = std::make_shared<Twins>();
  const InGroup scope(twins);
  std::vector<std::pair<std::string, Tensor>> named;
  for (const auto* name : {"a", "b", "c", "unused"}) {
    named.emplace_back(name, torch::ones({1 << 19}).requires_grad_());
  }
  FlatParameters flat(named);
  GradientSum sum(flat, {flat.spans(), flat.spans_of({named[1].second})});
  for (int pass = 0; pass < 2; ++pass) {
    flat.gradients.zero_();
    twins->begun = 0;
    sum.begin(0);
    auto h = named[0].second * 2;
    h = h * named[1].second + named[2].second;
    h.sum().backward();
    // The first pass finds out the order.
    CHECK(twins->begun == (pass == 0 ? 0 : 3));
    sum.finish();
    CHECK(twins->begun == 4);
    CHECK(named[0].second.grad().eq(4).all().item<bool>());
    CHECK(named[2].second.grad().eq(2).all().item<bool>());
    CHECK(named[3].second.grad().eq(0).all().item<bool>());
  }
  // A player's pass sums its own gradients and no others.
  flat.gradients.fill_(1);
  sum.begin(1);
  sum.finish();
  CHECK(named[1].second.grad().eq(2).all().item<bool>());
  CHECK(named[0].second.grad().eq(1).all().item<bool>());
}

TEST_CASE("sums of gradients count as hidden for as long as the backward pass runs") {
  CHECK(hidden_share({}, 1) == 1);
  CHECK(hidden_share({{8, 0.2, 0.6}, {8, 0.4, 0.8}}, 1) == doctest::Approx(1));
  CHECK(hidden_share({{8, 0.5, 1.5}}, 1) == doctest::Approx(0.5));
  CHECK(hidden_share({{8, 0.5, 1.5}, {8, 1.0, 2.5}}, 1) == doctest::Approx(0.25));
}

TEST_CASE("a group's sums have gradients, and means count every row") {
  const InGroup scope(std::make_shared<Twins>());
  const auto x = torch::tensor({1.0F, 2.0F}).requires_grad_();
  const auto y = sum_over_group(x * x);
  CHECK(y.equal(torch::tensor({2.0F, 8.0F})));
  y.sum().backward();
  CHECK(x.grad().equal(torch::tensor({4.0F, 8.0F})));
  CHECK(sum_over_group(1.5) == 3);
  CHECK(rows_of_group(torch::ones({3, 2})).size(0) == 6);
  CHECK(own_part(7).count == 4);
  CHECK(own_part(7).total == 7);
}

TEST_CASE("batch normalisation in a group is that of the whole batch") {
  const auto make = [] { return std::make_shared<Norm>("batch", 3); };
  const auto whole = make(), part = make();
  seed_torch(4);
  const auto weight = torch::randn({4, 3, 5, 5});
  const auto x = torch::randn({4, 3, 5, 5}).mul_(2).add_(1);
  const auto run = [&](Norm& norm, const Tensor& rows, const Tensor& factors) {
    auto leaf = rows.clone().requires_grad_();
    const auto y = norm.forward(leaf);
    (y * factors).sum().backward();
    return std::pair{y.detach(), leaf.grad()};
  };
  const auto [y, gradient] = run(*whole, torch::cat({x, x}), torch::cat({weight, weight}));
  const InGroup scope(std::make_shared<Twins>());
  const auto [own, own_gradient] = run(*part, x, weight);
  CHECK_CLOSE(own, y.narrow(0, 0, 4), kFloatSums);
  CHECK_CLOSE(own_gradient, gradient.narrow(0, 0, 4), kFloatSums);
  for (const auto& buffer : whole->named_buffers()) {
    CHECK_CLOSE(part->named_buffers()[buffer.key()], buffer.value(), kFloatSums);
  }
}

TEST_CASE("other devices' updates are those of the fused pass") {
  for (const auto* rule : {"adam", "adamw", "adamax"}) {
    CAPTURE(rule);
    StepSettings settings;
    settings.rule = rule;
    settings.lr = 0.01;
    settings.weight_decay = 0.1;
    settings.average = 0.9;
    seed_torch(8);
    const auto start = torch::randn({40}), g = torch::randn({40});
    const auto value = start.clone();
    FlatParameters flat({{"w", value}});
    Optimizer optimizer(flat);
    flat.gradients.narrow(0, 0, 40).copy_(g);
    optimizer.step(flat, flat.spans(), settings);
    UpdateTensors t{start.clone(), g.clone(), torch::zeros({40}), torch::zeros({40}),
                    start.clone()};
    UpdateFactors f;
    f.adamax = settings.rule == "adamax";
    f.beta1 = 0.9F;
    f.beta2 = 0.999F;
    f.step = static_cast<float>(settings.lr / (1 - settings.beta1));
    f.root_scale = static_cast<float>(1 / std::sqrt(1 - settings.beta2));
    f.epsilon = 1e-8F;
    const bool decoupled = settings.rule == "adamw";
    f.l2 = decoupled ? 0 : 0.1F;
    f.decoupled = decoupled ? 0.001F : 0;
    f.keep = 2.0F / 11;
    update_by_operations(t, f);
    CHECK_CLOSE(t.value, value.detach(), kFloatSums);
    CHECK_CLOSE(t.first, optimizer.first.narrow(0, 0, 40), kFloatSums);
    CHECK_CLOSE(t.average, optimizer.average.narrow(0, 0, 40), kFloatSums);
    CHECK(t.gradient.abs().sum().item<float>() == 0);
  }
}

TEST_CASE("a process whose loss is no number is known to all") {
  const InGroup scope(std::make_shared<Twins>());
  Agreement agreement;
  agreement.begin({{"loss", 3}, {"kl", 1}});
  agreement.finish();
  CHECK(agreement.finite());
  CHECK(agreement.terms().at(1).second == 1);
  CHECK(!agreement.all_stop());
  agreement.want_stop();
  agreement.begin({{"loss", NAN}});
  agreement.finish();
  CHECK(!agreement.finite());
  CHECK(agreement.all_stop());
}

}  // namespace elbo
