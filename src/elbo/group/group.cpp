#include "elbo/group/group.h"

#include <torch/csrc/autograd/custom_function.h>

#include <cstring>

namespace elbo {
namespace {

std::shared_ptr<Group>& present() {
  static std::shared_ptr<Group> group;
  return group;
}

Tensor summed(const Tensor& t) {
  auto sum = t.detach().clone(torch::MemoryFormat::Contiguous);
  group()->sum(sum);
  return sum;
}

/// Each process's loss depends on the sum, so its gradient is the sum of what they all return.
struct GroupSum : torch::autograd::Function<GroupSum> {
  static Tensor forward(torch::autograd::AutogradContext*, const Tensor& t) { return summed(t); }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                 const torch::autograd::variable_list& grads) {
    return {summed(grads[0])};
  }
};

}  // namespace

Group* group() { return present().get(); }

InGroup::InGroup(std::shared_ptr<Group> group) : before_(present()) {
  present() = std::move(group);
}
InGroup::~InGroup() { present() = before_; }

Tensor sum_over_group(const Tensor& t) { return group() ? GroupSum::apply(t) : t; }

double sum_over_group(double value) {
  if (!group()) return value;
  const auto t = torch::full({1}, value, torch::kFloat64);
  group()->sum(t);
  return t.item<double>();
}

Tensor rows_of_group(const Tensor& rows) {
  return group() ? group()->gather(rows.detach().contiguous()) : rows;
}

std::string text_of_first(const std::string& text) {
  if (!group()) return text;
  auto size = torch::full({1}, static_cast<int64_t>(text.size()), torch::kInt64);
  group()->copy_first(size);
  auto bytes = torch::zeros({size.item<int64_t>() + 1}, torch::kUInt8);
  std::memcpy(bytes.data_ptr(), text.data(), group()->rank() == 0 ? text.size() : 0);
  group()->copy_first(bytes);
  return {static_cast<const char*>(bytes.data_ptr()), static_cast<size_t>(size.item<int64_t>())};
}

}  // namespace elbo
