#include <cmath>

#include "elbo/distributions/continuous.h"
#include "elbo/latents/bottom_up.h"
#include "elbo/model/refinement.h"

namespace elbo {
namespace {

struct LadderOptions {
  std::vector<int64_t> sizes{32, 16, 8}, widths{256}, strides{0};
  int64_t depth = 1, kernel = 3;
  double bottleneck = 0.5;
  std::string activation = "silu", norm = "none", inference = "relative";
  bool skip = true;
  Json encoder, posterior, prior;
  template <class F>
  void fields(F&& f) {
    f("sizes", sizes, "size (on grids: channels) of each z, from z1 near the data to the top");
    f("widths", widths, "size or channels of each level's state; one for all levels, or one each");
    f("strides", strides,
      "images: factor by which each level's grid is coarser than the image (0 = a vector); one for "
      "all levels, or one each");
    f("depth", depth,
      "cells per level on the way down, and per group of alike levels on the way up",
      between(1, 64));
    f("kernel", kernel, "grids: kernel size of a cell's convolutions", between(1, 7));
    f("bottleneck", bottleneck, "grids: inner width of a cell as a fraction of its level's",
      between(0.05, 4));
    f("activation", activation, "activation of the cells", one_of(activation_names()));
    f("norm", norm, "normalisation in the cells, before the activation", one_of(kNorms));
    f("inference", inference,
      "form of q(z|above, x): relative to the prior, free, or the prior times a term from the data "
      "(precision)",
      one_of({"relative", "free", "precision"}));
    f("skip", skip, "let the state bypass each draw (false = only the draw is passed down)");
    f("encoder", encoder, "network from x to the first level's features (default: the spec's)");
    f("posterior", posterior, "posterior of the top level (default: the spec's)");
    f("prior", prior, "prior of the top level (default: the spec's)");
  }
};

/// Both ends of a log scale, smoothly: a deviation never vanishes, a gradient never stops.
Tensor bounded(const Tensor& log_scale) {
  constexpr double kBound = 5;
  return kBound * (log_scale / kBound).tanh();
}

/// One level: its place, what it believes of z given the state from above, and what z does to it.
class Level : public torch::nn::Module {
 public:
  Level(const LadderOptions& o, const CellPlan& plan, Place place, int64_t z, double damp)
      : z_(z), skip_(o.skip), inference_(o.inference) {
    const int64_t w = place.width;
    merge_ = register_module("merge", std::make_shared<ChannelMap>(z, place));
    for (int64_t i = 0; i < o.depth; ++i) {
      body_.push_back(
          register_module("body" + std::to_string(i), std::make_shared<Cell>(plan, w, w, place)));
      body_.back()->scale(damp);
    }
    if (skip_) merge_->scale(damp);
  }

  /// Below the top: the way from the level above, and the two beliefs.
  void stand_below(const CellPlan& plan, Place above, Place place) {
    const int64_t w = place.width;
    if (!(above == place)) {
      move_ = register_module("move", std::make_shared<Move>(above, place, plan.activation));
    }
    // The prior's cell also adds to the state what is known without z.
    prior_ = register_module(
        "prior", std::make_shared<Cell>(plan, w, w, place.with(2 * z_ + (skip_ ? w : 0))));
    const int64_t seen = inference_ == "precision" ? w : 2 * w;
    posterior_ =
        register_module("posterior", std::make_shared<Cell>(plan, seen, w, place.with(2 * z_)));
    prior_->scale(kCalm);
  }

  /// State of the level above -> state here before z, and p(z | state).
  std::pair<Tensor, Dist> arrive(const Tensor& above) {
    const auto h = move_ ? move_->forward(above) : above;
    const auto out = prior_->forward(h);
    const auto loc = out.narrow(1, 0, z_), log_scale = bounded(out.narrow(1, z_, z_));
    const auto state = skip_ ? h + out.narrow(1, 2 * z_, out.size(1) - 2 * z_) : h;
    return {state, std::make_shared<Normal>(loc, Log(log_scale))};
  }

  /// q(z | state, features); p is what arrive() gave.
  Dist infer(const std::string& site, const Tensor& state, const Tensor& features,
             const Normal& p) {
    const bool alone = inference_ == "precision";
    const auto out =
        corrected(site, posterior_->forward(alone ? features : torch::cat({state, features}, 1)));
    const auto parts = out.chunk(2, 1);
    const auto loc = parts[0], log_scale = bounded(parts[1]);
    if (inference_ == "free") return std::make_shared<Normal>(loc, Log(log_scale));
    if (!alone) return std::make_shared<Normal>(p.loc() + loc, Log(p.log_scale() + log_scale));
    // Product of two normals: the weight of the data is their share of the precision.
    const auto share = (2 * (p.log_scale() - log_scale)).sigmoid();
    const auto both = -0.5 * torch::logaddexp(-2 * log_scale, -2 * p.log_scale());
    return std::make_shared<Normal>(p.loc() + share * (loc - p.loc()), Log(both));
  }

  Tensor leave(const Tensor& state, const Tensor& z) {
    auto h = merge_->forward(z);
    // At the top the state is what the condition says.
    if (state.defined() && (skip_ || !prior_)) h = h + state;
    for (const auto& cell : body_) h = h + cell->forward(h);
    return h;
  }

  std::vector<Tensor> generative() const {
    std::vector<Tensor> all;
    for (const auto& item : named_parameters()) {
      if (!item.key().starts_with("posterior.")) all.push_back(item.value());
    }
    return all;
  }

  void report(const std::string& name, std::vector<LayerReport>& lines) const {
    if (move_) move_->report(name + ".move", lines);
    if (prior_) prior_->report(name + ".prior", lines);
    if (posterior_) posterior_->report(name + ".posterior", lines);
    merge_->report(name + ".merge", lines);
    for (const auto& cell : body_) cell->report(name + ".body", lines);
  }

 private:
  // At the start p is near the standard normal.
  static constexpr double kCalm = 0.3;

  const int64_t z_;
  const bool skip_;
  const std::string inference_;
  std::shared_ptr<Move> move_;
  std::shared_ptr<Cell> prior_, posterior_;
  std::shared_ptr<ChannelMap> merge_;
  std::vector<std::shared_ptr<Cell>> body_;
};

/// z_L … z_1, each given those above: p(z_L) Π p(z_l | z_>l) and q(z_L | x) Π q(z_l | z_>l, x).
/// Soenderby et al. 2016 (arXiv:1602.02282), Vahdat & Kautz 2020 (arXiv:2007.03898), Child 2021
/// (arXiv:2011.10650).
class Ladder : public Latent {
 public:
  Ladder(const LatentPlan& plan, const LadderOptions& o) {
    const auto places = read_places(o, plan.data.x.shape);
    const auto top = places.back();
    const CellPlan cells{o.kernel, o.bottleneck, activation_named(o.activation), o.norm};
    const int64_t condition = condition_size(plan.data);
    Context at{{top.with(o.sizes.back()).shape(), Kind::kReal, Json::object()}, plan.data};
    posterior_ = make_head(at, plan.part(o.posterior, "posterior"));
    auto stem =
        make_encoder(plan.part(o.encoder, "encoder"), plan.data, places.front().shape(), condition);
    up_ = std::make_shared<BottomUp>(cells, stem, places, o.depth, posterior_->input());
    at.encoder = up_;
    at.posterior = posterior_;
    at.role = Role::kFree;
    prior_ = make_head(at, plan.part(o.prior, "prior"));
    register_module("up", up_);
    register_module("posterior", posterior_);
    register_module("prior", prior_);
    if (condition > 0) {
      condition_ = register_module("condition", std::make_shared<Move>(Place{condition}, top));
    }
    const double damp = 1 / std::sqrt(static_cast<double>(places.size()));
    for (size_t i = 0; i < places.size(); ++i) {
      names_.push_back("z" + std::to_string(i + 1));
      levels_.push_back(std::make_shared<Level>(o, cells, places[i], o.sizes[i], damp));
      if (i + 1 < places.size()) levels_.back()->stand_below(cells, places[i + 1], places[i]);
      register_module("level" + std::to_string(i + 1), levels_.back());
    }
    code_ = places.front().shape();
  }

  Trace infer(const Batch& batch, int64_t samples) override {
    const int64_t s = std::max<int64_t>(samples, 1);
    auto features = up_->features(observed(batch), batch.c);
    const auto top = tile(up_->top(features.back()), s);
    Tensor source;
    // Alike levels share their features: one tiled copy serves them all.
    for (size_t i = 0; i < features.size(); ++i) {
      const bool shared = i > 0 && features[i].is_same(source);
      source = features[i];
      features[i] = shared ? features[i - 1] : tile(source, s);
    }
    return descend(tile(batch.c, s), samples, [&](size_t level, const Tensor& state, Dist p) {
      auto q = state.defined() ? levels_[level]->infer(names_[level], state, features[level],
                                                       static_cast<const Normal&>(*p))
                               : (*posterior_)(corrected(names_[level], top));
      return draw_site(names_[level], std::move(q), std::move(p), samples == 0);
    });
  }

  Trace generate(int64_t n, const Tensor& c, const Values& fixed) override {
    check_fixed(fixed, names_);
    return descend(c, 1, [&](size_t level, const Tensor& state, Dist p) {
      const bool conditional = state.defined() || prior_->reads_condition();
      auto value = fixed_or_draw(names_[level], p, n, fixed, conditional);
      return Site{names_[level], value, Tensor(), nullptr, std::move(p)};
    });
  }

  Shape code() const override { return code_; }

  std::vector<Tensor> prior_parameters() const override {
    auto all = prior_->parameters();
    const auto add = [&](const std::vector<Tensor>& more) {
      all.insert(all.end(), more.begin(), more.end());
    };
    if (condition_) add(condition_->parameters());
    for (const auto& level : levels_) add(level->generative());
    return all;
  }

  std::vector<LayerReport> report() const override {
    auto lines = up_->report();
    for (size_t i = levels_.size(); i-- > 0;) levels_[i]->report("level" + names_[i], lines);
    return lines;
  }

 private:
  static std::vector<Place> read_places(const LadderOptions& o, const Shape& x) {
    const size_t n = o.sizes.size();
    check(n > 0, "[latent ladder] sizes: found none, expected one number per level");
    check(o.kernel % 2 == 1, "[latent ladder] kernel: found ", o.kernel, ", must be odd");
    const auto each = [&](const char* name, const std::vector<int64_t>& list, size_t i,
                          int64_t least) {
      check(list.size() == 1 || list.size() == n, "[latent ladder] ", name, ": found ", list.size(),
            " numbers, expected 1 or ", n);
      const int64_t value = list[list.size() == 1 ? 0 : i];
      check(value >= least, "[latent ladder] ", name, ": found ", value, ", must be at least ",
            least);
      return value;
    };
    std::vector<Place> places;
    for (size_t i = 0; i < n; ++i) {
      each("sizes", o.sizes, i, 1);
      Place place{each("widths", o.widths, i, 1)};
      const int64_t stride = each("strides", o.strides, i, 0);
      if (stride > 0 && x.size() == 3) {
        place.rows = std::max<int64_t>(1, x[1] / stride);
        place.columns = std::max<int64_t>(1, x[2] / stride);
      }
      places.push_back(place);
    }
    return places;
  }

  /// From the top to the data; choose(level, state, prior) gives the site, the state being
  /// undefined at the top.
  template <class Choose>
  Trace descend(const Tensor& c, int64_t samples, const Choose& choose) {
    Trace trace;
    Tensor state;
    for (size_t i = levels_.size(); i-- > 0;) {
      Dist p;
      if (state.defined()) {
        std::tie(state, p) = levels_[i]->arrive(state);
      } else {
        p = (*prior_)(prior_->reads_condition() ? c : Tensor());
      }
      trace.sites.push_back(choose(i, state, p));
      if (!state.defined() && condition_) state = condition_->forward(c.flatten(1));
      state = levels_[i]->leave(state, trace.sites.back().value);
    }
    trace.code = state;
    trace.log_weight = equal_weights(samples, state);
    return trace;
  }

  Shape code_;
  std::vector<std::string> names_;
  std::shared_ptr<BottomUp> up_;
  Posterior posterior_;
  Prior prior_;
  std::shared_ptr<Move> condition_;             // of c to the top's state
  std::vector<std::shared_ptr<Level>> levels_;  // from the data to the top
};

const bool ladder_added = latents().add<LadderOptions>(
    "ladder", "z1 … zL, each given those above: LVAE, VDVAE, NVAE, two-level VAEs",
    [](const LatentPlan& plan, const LadderOptions& options) {
      return std::make_shared<Ladder>(plan, options);
    });

}  // namespace
}  // namespace elbo
