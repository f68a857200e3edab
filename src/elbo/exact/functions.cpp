#include <cmath>

#include "elbo/core/error.h"
#include "elbo/exact/arrays.h"
#include "elbo/exact/math.h"
#include "elbo/exact/operations.h"

namespace elbo::exact {
namespace {

double number(const at::IValue& value) { return value.toScalar().toDouble(); }

void add_function(Operations& to, const std::string& name, double (*f)(double)) {
  to.add(name, [f](const Arguments& in) -> Results { return {each(in[0].toTensor(), f)}; });
}

void add_array_function(Operations& to, const std::string& name,
                        void (*f)(const double*, double*, int64_t)) {
  to.add(name, [f](const Arguments& in) -> Results { return {each_of(in[0].toTensor(), f)}; });
}

double gelu(double x) { return x * normal_cdf(x); }
double gelu_by_tanh(double x) {
  constexpr double kRootTwoOverPi = 0x1.9884533d43651p-1, kCubic = 0.044715;
  return 0.5 * x * (1 + tanh(kRootTwoOverPi * (x + kCubic * x * x * x)));
}
double log_sigmoid(double x) { return -softplus(-x); }
double inverse_tanh(double x) { return 0.5 * log1p(2 * x / (1 - x)); }
double reciprocal_root(double x) { return 1 / std::sqrt(x); }

Tensor power(const Tensor& x, double y) {
  return each(x, [y](double v) { return pow(v, y); });
}

/// a + factor * b, rounded twice.
Tensor plus(const Tensor& a, const Tensor& b, const at::Scalar& factor) {
  return a + (factor.toDouble() == 1 ? b : b * factor);
}

Results log_add(const Arguments& in) {
  const auto both = torch::broadcast_tensors({in[0].toTensor(), in[1].toTensor()});
  const auto high = torch::maximum(both[0], both[1]), low = torch::minimum(both[0], both[1]);
  const auto beyond = each(low - high, [](double d) { return log1p(exp(d)); });
  return {torch::where(low == high, high + std::log(2.0), high + beyond)};
}

}  // namespace

void add_functions(Operations& to) {
  add_array_function(to, "aten::exp", exp);
  add_function(to, "aten::expm1", expm1);
  add_function(to, "aten::log", log);
  add_function(to, "aten::log1p", log1p);
  add_array_function(to, "aten::tanh", tanh);
  add_function(to, "aten::atanh", inverse_tanh);
  add_array_function(to, "aten::sigmoid", sigmoid);
  add_function(to, "aten::erf", erf);
  add_array_function(to, "aten::silu", silu);
  add_function(to, "aten::log_sigmoid", log_sigmoid);
  add_function(to, "aten::rsqrt", reciprocal_root);
  to.add("aten::log_sigmoid_forward", [](const Arguments& in) -> Results {
    const auto x = in[0].toTensor();
    return {each(x, log_sigmoid), torch::empty({0}, x.options())};
  });
  to.add("aten::gelu", [](const Arguments& in) -> Results {
    const bool by_tanh = in.size() > 1 && in[1].toStringRef() == "tanh";
    return {each(in[0].toTensor(), by_tanh ? gelu_by_tanh : gelu)};
  });
  to.add("aten::softplus", [](const Arguments& in) -> Results {
    const double beta = number(in[1]), threshold = number(in[2]);
    return {each(in[0].toTensor(),
                 [=](double x) { return x * beta > threshold ? x : softplus(x * beta) / beta; })};
  });
  to.add("aten::elu", [](const Arguments& in) -> Results {
    const double negative = number(in[1]) * number(in[2]), inner = number(in[3]),
                 positive = number(in[2]);
    return {each(in[0].toTensor(),
                 [=](double x) { return x > 0 ? x * positive : expm1(x * inner) * negative; })};
  });
  to.add("aten::pow.Tensor_Scalar",
         [](const Arguments& in) -> Results { return {power(in[0].toTensor(), number(in[1]))}; });
  to.add("aten::logaddexp", log_add);
  to.add("aten::add.Tensor", [](const Arguments& in) -> Results {
    return {plus(in[0].toTensor(), in[1].toTensor(), in[2].toScalar())};
  });
  to.add("aten::sub.Tensor", [](const Arguments& in) -> Results {
    const auto b = in[1].toTensor();
    const auto factor = in[2].toScalar();
    return {in[0].toTensor() - (factor.toDouble() == 1 ? b : b * factor)};
  });
  to.add("aten::rsub.Scalar", [](const Arguments& in) -> Results {
    check(number(in[2]) == 1, "[exact] rsub with a factor");
    return {
        torch::sub(torch::full({}, number(in[1]), in[0].toTensor().options()), in[0].toTensor())};
  });
  to.add("aten::addcmul", [](const Arguments& in) -> Results {
    const auto both = in[1].toTensor() * in[2].toTensor();
    return {plus(in[0].toTensor(), both, in[3].toScalar())};
  });
  to.add("aten::addcdiv", [](const Arguments& in) -> Results {
    const auto both = in[1].toTensor() / in[2].toTensor();
    return {plus(in[0].toTensor(), both, in[3].toScalar())};
  });
}

}  // namespace elbo::exact
