#include "elbo/latents/column_states.h"
#include "elbo/latents/columns.h"
#include "elbo/model/knows_missing.h"
#include "elbo/model/sees_training.h"
#include "elbo/model/spec.h"

namespace elbo {
namespace {

constexpr int64_t kChainRows = 200000;  // from which shares of missing cells are counted
constexpr double kNeverMissing = -1e9;

struct ChainOptions {
  int64_t hidden = 256, blocks = 2, components = 10;
  double dropout = 0.1;
  template <class F>
  void fields(F&& f) {
    f("hidden", hidden, "units of a layer", between(1, 65536));
    f("blocks", blocks, "residual blocks of two layers", between(0, 100));
    f("components", components, "logistic distributions that a column of numbers is a mixture of",
      between(1, 1000));
    f("dropout", dropout, "share of units left out in training", between(0, 0.9));
  }
};

/// The row itself as a code: the state of each column, read off the data, with a prior in which a
/// column depends on all before it. Every row has one code, so the bound is the likelihood itself;
/// columns whose cells are hidden are drawn given those before them, and weighed by those after.
/// In training missing cells are states, too: log p(x, missing); what is judged is log p(x) alone.
class ChainLatent : public Latent, public SeesTraining, public KnowsMissing {
 public:
  ChainLatent(const LatentPlan& plan, const ChainOptions& o) : o_(o) {
    columns_ = columns_alone(plan, "chain", "identity", "the code names the states themselves");
    if (plan.data.x.missing()) missing_ = register_buffer("missing", torch::zeros({columns_}));
  }

  void use(const Decode& decode) override {
    decode_ = decode;
    const auto dist = decode_(torch::zeros({1, columns_}), Tensor());
    const auto* given = dynamic_cast<const WithinStates*>(dist.get());
    check(given, "[latent chain] likelihood: expected \"given_states\", which names the states");
    const auto& space = *given->space;
    ColumnPlan plan;
    for (int64_t j = 0; j < columns_; ++j) {
      const auto own =
          space.numeric(j) ? space.singles + 1 : (space.used[j] != 0).sum().item<int64_t>();
      plan.symbols.push_back(own + (missing_.defined() ? 1 : 0));
      plan.scored.push_back(space.numeric(j));
    }
    plan.hidden = o_.hidden;
    plan.blocks = o_.blocks;
    plan.components = o_.components;
    plan.dropout = o_.dropout;
    net_ = register_module("net", std::make_shared<ColumnNet>(std::move(plan)));
  }

  Trace infer(const Batch& batch, int64_t samples) override {
    const auto given = states();
    const int64_t s = std::max<int64_t>(samples, 1);
    auto z = tile(given->space->find(batch.x).first.to(batch.x.scalar_type()), s);
    const bool marks = is_training() && missing_.defined();
    const auto prior = chain(*given, marks);
    Site site{"z", z, torch::zeros_like(z), nullptr, prior};
    if (batch.mask.defined()) {
      const auto known = tile(batch.mask, s).to(torch::kBool);
      if (marks) {
        site.value = torch::where(known, z, torch::full_like(z, given->space->states()));
      } else if (!known.all().item<bool>()) {
        std::tie(site.value, site.log_q) = prior->completed(z, known);
      }
    }
    return trace_of(std::move(site), *given->space, samples);
  }

  Trace generate(int64_t n, const Tensor&, const Values& fixed) override {
    check_fixed(fixed, {"z"});
    const auto given = states();
    Site site{"z", Tensor(), Tensor(), nullptr, chain(*given, missing_.defined())};
    site.value = fixed_or_draw("z", site.prior, n, fixed);
    return trace_of(std::move(site), *given->space, 1);
  }

  /// 1 where the code says that a cell is missing.
  Tensor missing(const Trace& trace) const override {
    if (!missing_.defined()) return Tensor();
    const auto& z = trace.sites[0].value;
    return (z.round() >= states()->space->states()).to(z.scalar_type());
  }

  Shape code() const override { return {columns_}; }
  std::vector<Tensor> prior_parameters() const override { return net_->parameters(); }
  std::vector<LayerReport> report() const override { return net_->report(); }

  void see(const Dataset& training) override {
    if (!missing_.defined()) return;
    torch::NoGradGuard no_gradient;
    const auto mask = some_of(training, kChainRows).mask.to(torch::kFloat32);
    const auto known = mask.sum(0);
    const auto odds = ((mask.size(0) - known) / (known + 0.5)).log();
    // A column whose cells are all known has no missing ones, rare as they might be.
    missing_.copy_(odds.clamp_min(kNeverMissing));
  }

 private:
  /// The likelihood's states, as they are now.
  std::shared_ptr<const WithinStates> states() const {
    check(decode_ != nullptr,
          "[latent chain] place: it reads the decoder, so it cannot be part of a product");
    const auto nothing = torch::zeros({1, columns_}, net_->bias().options().requires_grad(false));
    return std::dynamic_pointer_cast<const WithinStates>(decode_(nothing, Tensor()));
  }

  std::shared_ptr<const ColumnStates> chain(const WithinStates& given, bool marks) const {
    auto dist = std::make_shared<ColumnStates>();
    dist->net = net_;
    dist->space = given.space;
    dist->frequency = given.frequency;
    dist->marked = missing_.defined();
    if (marks) dist->missing = missing_;
    return dist;
  }

  Trace trace_of(Site site, const StateSpace& space, int64_t samples) const {
    const auto z = whole_numbers(site.value, columns_, 2 * space.states(), "state");
    Trace trace;
    trace.code = z.remainder(space.states()).to(site.value.scalar_type());
    trace.log_weight = equal_weights(samples, trace.code);
    trace.sites.push_back(std::move(site));
    return trace;
  }

  const ChainOptions o_;
  int64_t columns_ = 0;
  Tensor missing_;  // [D] log odds; undefined where all cells are known
  std::shared_ptr<ColumnNet> net_;
  Decode decode_;
};

const bool chain_added = latents().add<ChainOptions>(
    "chain", "The row itself as a code: the state of each column, given those before it",
    [](const LatentPlan& plan, const ChainOptions& options) {
      return std::make_shared<ChainLatent>(plan, options);
    });

}  // namespace
}  // namespace elbo
