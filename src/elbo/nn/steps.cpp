#include "elbo/nn/steps.h"

namespace elbo {
namespace {

class Steps : public Network {
 public:
  Steps(const NetworkPlan& plan, const Json& declaration)
      : steps_(plan.in.at(0)), out_(plan.out), each_{plan.out.begin() + 1, plan.out.end()} {
    check(steps_ > 0 && out_[0] % steps_ == 0, "[network steps] shapes: ", to_string(plan.in),
          " to ", to_string(out_), ": ", out_[0], " rows are not a multiple of ", steps_, " steps");
    each_.insert(each_.begin(), out_[0] / steps_);
    network_ = register_module(
        "network", networks().make({{plan.in.begin() + 1, plan.in.end()}, each_, plan.condition},
                                   declaration));
  }

  Tensor forward(const Tensor& x, const Tensor& c) override {
    const int64_t rows = x.size(0);
    const auto wide = c.defined() ? c.flatten(1).repeat_interleave(steps_, 0) : c;
    const auto y = network_->forward(x.flatten(0, 1), wide);  // [B T, k, …]
    return y.view(with_rows(rows, with_rows(steps_, each_)))
        .transpose(1, 2)
        .reshape(with_rows(rows, out_));
  }

  std::vector<LayerReport> report() const override {
    auto lines = network_->report();
    for (auto& line : lines) line.flops *= steps_;
    lines.back().out = out_;
    return lines;
  }

 private:
  const int64_t steps_;
  const Shape out_;
  Shape each_;
  std::shared_ptr<Network> network_;
};

}  // namespace

std::shared_ptr<Network> make_steps(const NetworkPlan& plan, const Json& declaration) {
  return std::make_shared<Steps>(plan, declaration);
}

}  // namespace elbo
