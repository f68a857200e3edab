#include "elbo/distributions/continuous.h"
#include "elbo/distributions/halves.h"
#include "elbo/model/refinement.h"
#include "elbo/model/spec.h"
#include "elbo/nn/recurrent.h"

namespace elbo {
namespace {

struct SequentialOptions {
  int64_t size = 16, features = 64, memory = 64;
  template <class F>
  void fields(F&& f) {
    f("size", size, "size of z at each step", between(1, 4096));
    f("features", features, "size of the features of a step's x or z", between(1, 65536));
    f("memory", memory, "size of the recurrent state", between(1, 65536));
  }
};

/// Two dense layers with an activation after each but where they end in parameters.
class Pair : public torch::nn::Module {
 public:
  Pair(int64_t in, int64_t hidden, int64_t out, Activation last) {
    first_ = register_module("first", std::make_shared<Dense>(in, hidden, Activation::kSilu));
    second_ = register_module("second", std::make_shared<Dense>(hidden, out, last));
  }
  Tensor forward(const Tensor& x) { return second_->forward(first_->forward(x)); }
  void report(const std::string& name, std::vector<LayerReport>& lines) const {
    lines.push_back(first_->report(name + ".first"));
    lines.push_back(second_->report(name + ".second"));
  }

 private:
  std::shared_ptr<Dense> first_, second_;
};

/// A series x_1 … x_T with a z at each step: p(z_t | x_<t, z_<t), p(x_t | x_<t, z_<=t) and
/// q(z_t | x_<=t, z_<t), where a recurrent state h tells what was before (Chung et al. 2015,
/// arXiv:1506.02216). The code of a step is z_t and h, from which the decoder makes x_t.
class Sequential : public Latent {
 public:
  Sequential(const LatentPlan& plan, const SequentialOptions& o)
      : o_(o), x_(plan.data.x), condition_(condition_size(plan.data)) {
    check(x_.shape.size() <= 2 && is_numeric(x_.kind), "[latent sequential] data: found ", x_.kind,
          " of shape ", to_string(x_.shape), ", expected numbers of shape steps x columns");
    hidden_data_ = x_.missing();
    const int64_t f = o.features, m = o.memory, parameters = 2 * o.size;
    const auto pair = [&](const char* name, int64_t in, int64_t out, Activation last) {
      return register_module(name, std::make_shared<Pair>(in, f, out, last));
    };
    read_x_ = pair("read_x", columns() * (hidden_data_ ? 2 : 1), f, Activation::kSilu);
    read_z_ = pair("read_z", o.size, f, Activation::kSilu);
    prior_ = pair("prior", m + condition_, parameters, Activation::kNone);
    posterior_ = pair("posterior", f + m + condition_, parameters, Activation::kNone);
    memory_ = register_module("memory", std::make_shared<GatedUnit>(2 * f, m));
    standardise();
  }

  Trace infer(const Batch& batch, int64_t samples) override {
    const int64_t s = std::max<int64_t>(samples, 1);
    const auto features = tile(read(observed(batch)), s);  // [S*B, T, f]
    const auto c = tile(condition(batch.c), s);
    auto h = torch::zeros({features.size(0), o_.memory}, features.options());
    Path path;
    for (int64_t t = 0; t < steps(); ++t) {
      const auto seen = features.select(1, t);
      const auto q =
          normal(corrected("z" + std::to_string(t), posterior_->forward(beside({seen, h, c}))));
      const auto z = samples == 0 ? q.loc() : q.sample();
      path.add(z, h, normal(prior_->forward(beside({h, c}))), &q);
      h = remember(h, seen, z);
    }
    auto trace = path.trace();
    trace.log_weight = equal_weights(samples, trace.code);
    return trace;
  }

  Trace generate(int64_t n, const Tensor& c, const Values& fixed) override {
    check_fixed(fixed, {"z"});
    check(decode_ != nullptr,
          "[latent sequential] place: it draws x step by step, so it cannot be part of a product");
    torch::NoGradGuard no_gradient;
    const auto known = condition(c);
    const bool given = fixed.count("z") > 0;
    Tensor all_z;
    auto h = torch::zeros({n, o_.memory}, memory_->parameters()[0].options().requires_grad(false));
    auto codes = torch::zeros(with_rows(n, code()), h.options());
    Path path;
    std::vector<Tensor> x;
    for (int64_t t = 0; t < steps(); ++t) {
      const auto p = normal(prior_->forward(beside({h, known})));
      if (given && t == 0) {
        const auto like = std::make_shared<StandardNormal>(Shape{steps(), o_.size}, h.options());
        all_z = fixed_or_draw("z", like, n, fixed);
        check(all_z.sizes().slice(1).equals({steps(), o_.size}), "[z] fixed value: found shape ",
              to_string(Shape(all_z.sizes().slice(1).vec())), ", expected ", steps(), "x", o_.size);
      }
      const auto z = given ? all_z.select(1, t) : p.sample();
      path.add(z, h, p, nullptr);
      codes = codes.select_scatter(torch::cat({z, h}, 1), 1, t);
      x.push_back(drawn_step(codes, c, t));
      h = remember(h, read_step(x.back(), t), z);
    }
    auto trace = path.trace();
    trace.x = torch::stack(x, 1).view(with_rows(n, x_.shape));
    trace.log_weight = equal_weights(1, trace.code);
    return trace;
  }

  Shape code() const override { return {steps(), o_.size + o_.memory}; }
  int64_t steps() const override { return x_.shape[0]; }
  void use(const Decode& decode) override { decode_ = decode; }

  std::vector<LayerReport> report() const override {
    std::vector<LayerReport> lines;
    read_x_->report("read_x", lines);
    read_z_->report("read_z", lines);
    posterior_->report("posterior", lines);
    prior_->report("prior", lines);
    lines.push_back(memory_->report("memory"));
    for (auto& line : lines) line.flops *= steps();
    return lines;
  }

 private:
  /// What a pass through the series leaves, step after step.
  struct Path {
    std::vector<Tensor> z, codes, p_loc, p_log_scale, q_loc, q_log_scale;
    void add(const Tensor& value, const Tensor& h, const Normal& p, const Normal* q) {
      z.push_back(value);
      codes.push_back(torch::cat({value, h}, 1));
      p_loc.push_back(p.loc());
      p_log_scale.push_back(p.log_scale());
      if (!q) return;
      q_loc.push_back(q->loc());
      q_log_scale.push_back(q->log_scale());
    }
    Trace trace() const {
      const auto joined = [](const std::vector<Tensor>& loc, const std::vector<Tensor>& log_scale) {
        return std::make_shared<Normal>(torch::stack(loc, 1), Log(torch::stack(log_scale, 1)));
      };
      Site site{"z", torch::stack(z, 1), Tensor(), nullptr, joined(p_loc, p_log_scale)};
      if (!q_loc.empty()) site.posterior = joined(q_loc, q_log_scale);
      Trace trace;
      trace.code = torch::stack(codes, 1);
      trace.sites.push_back(std::move(site));
      return trace;
    }
  };

  int64_t columns() const { return numel(x_.shape) / steps(); }

  void standardise() {
    const auto units = x_.units();
    if (!units) return;
    loc_ = units->loc.view({steps(), columns()});
    inverse_scale_ = units->scale.view({steps(), columns()}).reciprocal();
  }

  /// [B, T, …] raw -> [B, T, f]; hidden cells are NaN.
  Tensor read(const Tensor& x) {
    auto seen = x.reshape({x.size(0), -1, columns()});
    return read_x_->forward(in_units(seen, loc_, inverse_scale_).flatten(0, 1))
        .view({seen.size(0), seen.size(1), -1});
  }
  /// The same for one step [n, columns].
  Tensor read_step(const Tensor& x, int64_t t) {
    const auto at = [&](const Tensor& all) { return all.defined() ? all[t] : all; };
    return read_x_->forward(in_units(x.reshape({x.size(0), -1}), at(loc_), at(inverse_scale_)));
  }
  Tensor in_units(Tensor x, const Tensor& loc, const Tensor& inverse_scale) const {
    if (x_.kind == Kind::kCount) x = x.log1p();
    if (loc.defined()) x = (x - loc.to(x.options())) * inverse_scale.to(x.options());
    if (!hidden_data_) return x;
    return torch::cat({x.nan_to_num(0), x.isnan().to(x.scalar_type())}, -1);
  }

  Tensor condition(const Tensor& c) const { return condition_ > 0 ? c.flatten(1) : Tensor(); }
  static Tensor beside(const std::vector<Tensor>& parts) {
    return torch::cat(
        parts.back().defined() ? parts : std::vector<Tensor>(parts.begin(), parts.end() - 1), 1);
  }
  static Normal normal(const Tensor& parameters) {
    const auto [loc, log_scale] = halves(parameters, -7, 7);
    return {loc, Log(log_scale)};
  }
  Tensor remember(const Tensor& h, const Tensor& seen, const Tensor& z) {
    return memory_->forward(torch::cat({seen, read_z_->forward(z)}, 1), h);
  }
  /// The decoder reads each step by itself: what later steps of the code hold does not matter.
  Tensor drawn_step(const Tensor& codes, const Tensor& c, int64_t t) const {
    return decode_(codes, c)->sample().reshape({codes.size(0), steps(), -1}).select(1, t);
  }

  const SequentialOptions o_;
  const Schema x_;
  const int64_t condition_;
  bool hidden_data_ = false;
  Tensor loc_, inverse_scale_;  // [T, columns]
  std::shared_ptr<Pair> read_x_, read_z_, prior_, posterior_;
  std::shared_ptr<GatedUnit> memory_;
  Decode decode_;
};

const bool sequential_added = latents().add<SequentialOptions>(
    "sequential", "A z at each step of a series, given everything before it: VRNN",
    [](const LatentPlan& plan, const SequentialOptions& options) {
      return std::make_shared<Sequential>(plan, options);
    });

}  // namespace
}  // namespace elbo
