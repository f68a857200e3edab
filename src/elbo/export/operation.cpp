#include <c10/core/ScalarTypeToTypeMeta.h>

#include "elbo/core/error.h"
#include "elbo/export/translation.h"

namespace elbo {

bool Operation::absent(size_t i) const {
  return i >= size() || (inputs_[i]->known && inputs_[i]->few.isNone());
}

bool Operation::is_number(size_t i) const {
  const auto& value = *inputs_.at(i);
  return value.known && !value.few.isTensor();
}

bool Operation::is_whole(size_t i) const { return inputs_.at(i)->known && inputs_[i]->few.isInt(); }

std::optional<Tensor> Operation::known(size_t i) const {
  const auto& value = *inputs_.at(i);
  if (!value.known || !value.fixed || !value.few.isTensor()) return std::nullopt;
  return value.few.toTensor();
}

std::string Operation::tensor(size_t i, torch::ScalarType type) const {
  auto& value = *inputs_.at(i);
  const bool number = value.known && !value.few.isTensor();
  const auto own = !number              ? value.type
                   : value.few.isInt()  ? torch::kInt64
                   : value.few.isBool() ? torch::kBool
                                        : torch::kFloat32;
  if (number && value.few.isInt() && value.few.toInt() == value.many.toInt()) {
    return to.constant(torch::full({}, value.few.toInt(), exported(type)));
  }
  const auto& name = to.named(value);
  return exported(own) == exported(type) ? name : to.cast(name, type);
}

std::vector<Traced*> Operation::tensors(size_t i) const {
  auto& value = *inputs_.at(i);
  if (value.known && value.list.empty()) {
    const auto few = value.few.toTensorVector(), many = value.many.toTensorVector();
    for (size_t k = 0; k < few.size(); ++k) {
      auto one = std::make_shared<Traced>();
      one->known = true;
      one->few = few[k];
      one->many = many.at(k);
      one->measure(few[k], many[k]);
      value.list.push_back(one);
    }
  }
  std::vector<Traced*> all;
  for (const auto& one : value.list) all.push_back(one.get());
  return all;
}

torch::ScalarType Operation::common_type(size_t a, size_t b) const {
  const auto weak = [&](size_t i) { return is_number(i) || shape(i).empty(); };
  const auto of = [&](size_t i) {
    if (!is_number(i)) return type(i);
    const auto& value = inputs_[i]->few;
    return value.isInt() ? torch::kInt64 : value.isBool() ? torch::kBool : torch::kFloat64;
  };
  const auto x = of(a), y = of(b);
  const auto category = [](torch::ScalarType t) {
    return t == torch::kBool ? 0 : torch::isIntegralType(t, false) ? 1 : 2;
  };
  // A single number widens the kind of a tensor, not its precision.
  if (weak(a) != weak(b)) {
    const auto strong = weak(a) ? y : x, light = weak(a) ? x : y;
    return category(light) > category(strong) ? light : strong;
  }
  return torch::promoteTypes(x, y);
}

const at::IValue& Operation::same(size_t i) const {
  const auto& value = *inputs_.at(i);
  if (!value.known) refuse("input " + std::to_string(i) + " depends on the data");
  return value.few;
}

double Operation::number(size_t i) const {
  const auto& value = same(i);
  if (value.isTensor()) return value.toTensor().item<double>();
  return value.isBool() ? static_cast<double>(value.toBool()) : value.toScalar().toDouble();
}

int64_t Operation::whole(size_t i) const {
  const auto found = count(i);
  if (found.each != 0) refuse("input " + std::to_string(i) + " follows the number of rows");
  return found.fixed;
}

bool Operation::flag(size_t i) const {
  const auto& value = same(i);
  return value.isBool() ? value.toBool() : number(i) != 0;
}

std::string Operation::word(size_t i) const { return same(i).toStringRef(); }

std::vector<int64_t> Operation::wholes(size_t i) const {
  const auto& value = same(i);
  return value.isInt() ? std::vector<int64_t>{value.toInt()} : value.toIntVector();
}

Count Operation::count(size_t i) const {
  const auto& few = same(i);
  const auto read = [](const at::IValue& v) {
    return v.isTensor() ? v.toTensor().item<int64_t>() : v.toScalar().toLong();
  };
  return count_of(read(few), read(inputs_.at(i)->many));
}

int64_t Operation::axis(size_t i, size_t of) const {
  const int64_t given = whole(i), all = std::max<int64_t>(rank(of), 1);
  return given < 0 ? given + all : given;
}

std::vector<int64_t> Operation::axes(size_t i, size_t of) const {
  auto list = absent(i) ? std::vector<int64_t>() : wholes(i);
  if (list.empty()) {
    for (int64_t d = 0; d < rank(of); ++d) list.push_back(d);
  }
  for (auto& given : list) given += given < 0 ? rank(of) : 0;
  return list;
}

void Operation::results(const std::vector<std::string>& values) const {
  for (const auto& value : values) {
    outputs_.at(0)->list.push_back(std::make_shared<Traced>());
    outputs_[0]->list.back()->name = value;
  }
}

void Operation::refuse(const std::string& why) const { fail("[export] ", name, ": ", why); }

}  // namespace elbo
