#include <cmath>

#include "elbo/export/translation.h"

// One number of the result from one number of each input.

namespace elbo {
namespace {

std::string scalar(Op o, double value) {
  return o.to.constant(torch::full({}, value, exported(o.result_type())));
}

std::string add(Op o, const std::string& a, const std::string& b) {
  return o.to.emit("Add", {a, b});
}
std::string multiply(Op o, const std::string& a, const std::string& b) {
  return o.to.emit("Mul", {a, b});
}

/// a + alpha b; input `at` is alpha.
void sum_with(Op o, const char* op, size_t first, size_t second) {
  const auto a = o.tensor(first, o.result_type());
  auto b = o.tensor(second, o.result_type());
  if (!o.absent(2) && o.number(2) != 1) b = multiply(o, b, scalar(o, o.number(2)));
  o.result(o.to.emit(op, {a, b}));
}

void product(Op o) {
  const auto a = o.tensor(0, o.result_type()), b = o.tensor(1, o.result_type());
  o.result(o.to.emit(o.result_type() == torch::kBool ? "And" : "Mul", {a, b}));
}

void quotient(Op o) {
  auto a = o.tensor(0, o.result_type());
  const auto b = o.tensor(1, o.result_type());
  if (o.absent(2)) return o.result(o.to.emit("Div", {a, b}));
  if (o.word(2) != "floor") o.refuse("rounding \"" + o.word(2) + "\"");
  if (torch::isFloatingType(o.result_type())) {
    return o.result(o.to.emit("Floor", {o.to.emit("Div", {a, b})}));
  }
  // Whole numbers are cut towards 0 there: what is over goes first.
  a = o.to.emit("Sub", {a, o.to.emit("Mod", {a, b})});
  o.result(o.to.emit("Div", {a, b}));
}

void remainder(Op o) {
  const auto a = o.tensor(0, o.result_type()), b = o.tensor(1, o.result_type());
  if (!torch::isFloatingType(o.result_type())) return o.result(o.to.emit("Mod", {a, b}));
  const auto whole = o.to.emit("Floor", {o.to.emit("Div", {a, b})});
  o.result(o.to.emit("Sub", {a, multiply(o, whole, b)}));
}

Translate unary(const char* op) {
  return [op](Op o) { o.result(o.to.emit(op, {o.tensor(0, o.result_type())})); };
}
Translate binary(const char* op) {
  return [op](Op o) {
    o.result(o.to.emit(op, {o.tensor(0, o.result_type()), o.tensor(1, o.result_type())}));
  };
}
Translate comparison(const char* op, bool negate = false) {
  return [=](Op o) {
    auto type = o.common_type(0, 1);
    if (type == torch::kBool) type = torch::kInt32;
    auto y = o.to.emit(op, {o.tensor(0, type), o.tensor(1, type)});
    if (negate) y = o.to.emit("Not", {y});
    // Done in place, numbers stay what they were.
    o.result(o.result_type() == torch::kBool ? y : o.to.cast(y, o.result_type()));
  };
}
Translate logical(const char* op) {
  return [op](Op o) {
    if (o.result_type() != torch::kBool) o.refuse("of numbers");
    o.result(o.to.emit(op, {o.tensor(0, torch::kBool), o.tensor(1, torch::kBool)}));
  };
}

void opposite(Op o) {
  if (o.result_type() != torch::kBool) o.refuse("of numbers");
  o.result(o.to.emit("Not", {o.tensor(0, torch::kBool)}));
}

void choose(Op o) {
  o.result(o.to.emit("Where", {o.tensor(0, torch::kBool), o.tensor(1, o.result_type()),
                               o.tensor(2, o.result_type())}));
}

void masked_fill(Op o) {
  o.result(o.to.emit("Where", {o.tensor(1, torch::kBool), o.tensor(2, o.result_type()),
                               o.tensor(0, o.result_type())}));
}

/// Bounds at inputs `low` and `high`, numbers or tensors.
void bound(Op o, size_t low, size_t high) {
  auto x = o.tensor(0, o.result_type());
  const auto side = [&](size_t i, const char* op) {
    if (i == 0 || o.absent(i)) return;
    x = o.to.emit(op, {x, o.tensor(i, o.result_type())});
  };
  side(low, "Max");
  side(high, "Min");
  o.result(x);
}

std::string softplus(Op o, const std::string& x) { return o.to.emit("Softplus", {x}); }
std::string negative(Op o, const std::string& x) { return o.to.emit("Neg", {x}); }

void scaled_softplus(Op o) {
  const double beta = o.absent(1) ? 1 : o.number(1);
  const auto x = o.tensor(0);
  if (beta == 1) return o.result(softplus(o, x));
  const auto y = softplus(o, multiply(o, x, scalar(o, beta)));
  o.result(o.to.emit("Div", {y, scalar(o, beta)}));
}

void gelu(Op o) {
  const auto x = o.tensor(0);
  std::string inner;
  if (!o.absent(1) && o.word(1) == "tanh") {
    const auto cube = multiply(o, x, multiply(o, x, x));
    const auto sum = add(o, x, multiply(o, cube, scalar(o, 0.044715)));
    inner = o.to.emit("Tanh", {multiply(o, sum, scalar(o, M_SQRT2 * M_2_SQRTPI / 2))});
  } else {
    inner = o.to.emit("Erf", {multiply(o, x, scalar(o, M_SQRT1_2))});
  }
  o.result(multiply(o, multiply(o, x, scalar(o, 0.5)), add(o, inner, scalar(o, 1))));
}

void silu(Op o) {
  const auto x = o.tensor(0);
  o.result(multiply(o, x, o.to.emit("Sigmoid", {x})));
}

/// expm1(x) = tanh(x / 2) (exp(x) + 1), without the cancellation.
void expm1(Op o) {
  const auto x = o.tensor(0);
  const auto half = o.to.emit("Tanh", {multiply(o, x, scalar(o, 0.5))});
  o.result(multiply(o, half, add(o, o.to.emit("Exp", {x}), scalar(o, 1))));
}

void logaddexp(Op o) {
  const auto a = o.tensor(0), b = o.tensor(1);
  const auto far = o.to.emit("Abs", {o.to.emit("Sub", {a, b})});
  o.result(add(o, o.to.emit("Max", {a, b}), softplus(o, negative(o, far))));
}

void finite(Op o) {
  const auto x = o.tensor(0, torch::kFloat32);
  const auto bad = o.to.emit("Or", {o.to.emit("IsNaN", {x}), o.to.emit("IsInf", {x})});
  o.result(o.to.emit("Not", {bad}));
}

void nan_to_num(Op o) {
  const auto x = o.tensor(0);
  const auto value = scalar(o, o.absent(1) ? 0 : o.number(1));
  o.result(o.to.emit("Where", {o.to.emit("IsNaN", {x}), value, x}));
}

void addcmul(Op o) {
  const auto type = o.result_type();
  auto y = multiply(o, o.tensor(1, type), o.tensor(2, type));
  if (!o.absent(3) && o.number(3) != 1) y = multiply(o, y, scalar(o, o.number(3)));
  o.result(add(o, o.tensor(0, type), y));
}

void lerp(Op o) {
  const auto start = o.tensor(0), way = o.to.emit("Sub", {o.tensor(1), start});
  o.result(add(o, start, multiply(o, way, o.tensor(2, o.result_type()))));
}

void elu(Op o) {
  if (o.number(2) != 1 || o.number(3) != 1) o.refuse("scales");
  o.result(o.to.emit("Elu", {o.tensor(0)}, {{"alpha", static_cast<float>(o.number(1))}}));
}

const bool added_unary = [] {
  const std::vector<std::pair<const char*, const char*>> same{
      {"neg", "Neg"},     {"exp", "Exp"},
      {"log", "Log"},     {"sqrt", "Sqrt"},
      {"abs", "Abs"},     {"sign", "Sign"},
      {"sgn", "Sign"},    {"sigmoid", "Sigmoid"},
      {"tanh", "Tanh"},   {"sin", "Sin"},
      {"cos", "Cos"},     {"tan", "Tan"},
      {"asin", "Asin"},   {"acos", "Acos"},
      {"atan", "Atan"},   {"sinh", "Sinh"},
      {"cosh", "Cosh"},   {"asinh", "Asinh"},
      {"acosh", "Acosh"}, {"atanh", "Atanh"},
      {"erf", "Erf"},     {"reciprocal", "Reciprocal"},
      {"floor", "Floor"}, {"ceil", "Ceil"},
      {"round", "Round"}, {"relu", "Relu"}};
  for (const auto& [name, op] : same) add_translation({std::string("aten::") + name}, unary(op));
  return true;
}();

const bool added_binary = [] {
  add_translation({"aten::maximum"}, binary("Max"));
  add_translation({"aten::minimum"}, binary("Min"));
  add_translation({"aten::pow"}, binary("Pow"));
  add_translation({"aten::lt", "aten::less"}, comparison("Less"));
  add_translation({"aten::gt", "aten::greater"}, comparison("Greater"));
  add_translation({"aten::le"}, comparison("LessOrEqual"));
  add_translation({"aten::ge"}, comparison("GreaterOrEqual"));
  add_translation({"aten::eq"}, comparison("Equal"));
  add_translation({"aten::ne"}, comparison("Equal", true));
  add_translation({"aten::logical_and", "aten::bitwise_and", "aten::__and__"}, logical("And"));
  add_translation({"aten::logical_or", "aten::bitwise_or", "aten::__or__"}, logical("Or"));
  add_translation({"aten::logical_not", "aten::bitwise_not"}, opposite);
  add_translation({"aten::add"}, [](Op o) { sum_with(o, "Add", 0, 1); });
  add_translation({"aten::sub"}, [](Op o) { sum_with(o, "Sub", 0, 1); });
  add_translation({"aten::rsub"}, [](Op o) {
    if (!o.absent(2) && o.number(2) != 1) o.refuse("alpha");
    o.result(o.to.emit("Sub", {o.tensor(1, o.result_type()), o.tensor(0, o.result_type())}));
  });
  add_translation({"aten::mul", "aten::multiply"}, product);
  add_translation({"aten::div", "aten::true_divide"}, quotient);
  add_translation({"aten::remainder"}, remainder);
  return true;
}();

const bool added_special = [] {
  add_translation({"aten::where"}, choose);
  add_translation({"aten::masked_fill"}, masked_fill);
  add_translation({"aten::clamp", "aten::hardtanh"}, [](Op o) { bound(o, 1, 2); });
  add_translation({"aten::clamp_min"}, [](Op o) { bound(o, 1, 0); });
  add_translation({"aten::clamp_max"}, [](Op o) { bound(o, 0, 1); });
  add_translation({"aten::softplus"}, scaled_softplus);
  add_translation({"aten::log_sigmoid"},
                  [](Op o) { o.result(negative(o, softplus(o, negative(o, o.tensor(0))))); });
  add_translation({"aten::log1p"},
                  [](Op o) { o.result(o.to.emit("Log", {add(o, o.tensor(0), scalar(o, 1))})); });
  add_translation({"aten::square"}, [](Op o) { o.result(multiply(o, o.tensor(0), o.tensor(0))); });
  add_translation({"aten::rsqrt"}, [](Op o) {
    o.result(o.to.emit("Reciprocal", {o.to.emit("Sqrt", {o.tensor(0)})}));
  });
  add_translation({"aten::leaky_relu"}, [](Op o) {
    o.result(o.to.emit("LeakyRelu", {o.tensor(0)}, {{"alpha", static_cast<float>(o.number(1))}}));
  });
  add_translation({"aten::isnan"},
                  [](Op o) { o.result(o.to.emit("IsNaN", {o.tensor(0, torch::kFloat32)})); });
  add_translation({"aten::elu"}, elu);
  add_translation({"aten::gelu"}, gelu);
  add_translation({"aten::silu"}, silu);
  add_translation({"aten::expm1"}, expm1);
  add_translation({"aten::logaddexp"}, logaddexp);
  add_translation({"aten::isfinite"}, finite);
  add_translation({"aten::nan_to_num"}, nan_to_num);
  add_translation({"aten::addcmul"}, addcmul);
  add_translation({"aten::lerp"}, lerp);
  return true;
}();

}  // namespace
}  // namespace elbo
