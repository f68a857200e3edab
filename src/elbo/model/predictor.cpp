#include "elbo/model/predictor.h"

namespace elbo {
namespace {

struct PropertyOptions {
  double weight = 5;  // one number says little beside the nats of x
  std::vector<int64_t> hidden{128};
  template <class F>
  void fields(F&& f) {
    f("weight", weight, "weight of the property's log density beside the bound", at_least(0));
    f("hidden", hidden, "sizes of the hidden layers ([] = a linear map)");
  }
};

}  // namespace

Predictor::Predictor(std::shared_ptr<Network> network, std::shared_ptr<Head> head, double weight)
    : network_(register_module("network", std::move(network))),
      head_(register_module("head", std::move(head))),
      weight_(weight) {}

Dist Predictor::operator()(const Tensor& code) {
  return (*head_)(network_->forward(code.to(torch::kFloat32)));
}

Tensor Predictor::cost(const Tensor& code, const Tensor& target) {
  const auto known = target.isnan().logical_not();
  const auto log_p = (*this)(code)->row_log_prob(target.nan_to_num(0), known.to(torch::kFloat32));
  return -weight_ * log_p;
}

std::vector<OptionHelp> property_options() { return describe<PropertyOptions>(); }

Json resolve_property(const Json& declaration, const Schemas& data) {
  if (!data.target.present()) {
    check(declaration.is_null(),
          "[spec] property: the data have no property to predict; name one with --property");
    return Json();
  }
  return write_options(read_options<PropertyOptions>(declaration, "property"));
}

std::shared_ptr<Predictor> make_predictor(const Json& declaration, const Schemas& data,
                                          const Shape& code) {
  if (declaration.is_null() || !data.target.present()) return nullptr;
  const auto o = read_options<PropertyOptions>(declaration, "property");
  auto head = make_head({data.target, data}, "normal");
  auto network = networks().make({code, head->input()}, {{"type", "mlp"}, {"hidden", o.hidden}});
  return std::make_shared<Predictor>(std::move(network), std::move(head), o.weight);
}

}  // namespace elbo
