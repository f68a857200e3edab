#include "elbo/model/head.h"

namespace elbo {
namespace {

struct ConditionalOptions {
  Json head = "normal";
  Json network = Json{{"type", "mlp"}, {"hidden", {128}}};
  template <class F>
  void fields(F&& f) {
    f("head", head, "family of p(z | c)");
    f("network", network, "network from the condition to the head's features");
  }
};

/// p(z | c): a network of the condition in front of another head.
class ConditionalHead : public Head {
 public:
  ConditionalHead(const Context& at, const ConditionalOptions& options)
      : condition_(at.data.c.shape) {
    check(at.data.c.present(), "[head conditional] condition: the data have none");
    head_ = register_module("head", make_head({at.variable, at.data}, options.head));
    network_ =
        register_module("network", networks().make({condition_, head_->input()}, options.network));
  }
  Dist operator()(const Tensor& h) override { return (*head_)(network_->forward(h)); }
  Shape input() const override { return condition_; }
  bool reads_condition() const override { return true; }

 private:
  Shape condition_;
  std::shared_ptr<Head> head_;
  std::shared_ptr<Network> network_;
};

const bool conditional_added = heads().add<ConditionalOptions>(
    "conditional",
    "As a prior: p(z | c) from a network that reads the condition (Sohn et al. 2015)",
    [](const Context& at, ConditionalOptions options) {
      return std::make_shared<ConditionalHead>(at, options);
    });

}  // namespace
}  // namespace elbo
