#include <cmath>

#include "elbo/capi/arrow_column.h"
#include "elbo/capi/guard.h"

namespace elbo::capi {
namespace {

template <class From>
Tensor numbers_as(const ArrowColumn& column, torch::ScalarType type) {
  const auto* from = column.buffer<From>(1) + column.first;
  auto out = torch::empty({column.rows}, type);
  AT_DISPATCH_FLOATING_TYPES_AND(at::kLong, type, "arrow", [&] {
    auto* to = out.data_ptr<scalar_t>();
    for (int64_t r = 0; r < column.rows; ++r) to[r] = static_cast<scalar_t>(from[r]);
  });
  return out;
}

/// 16 bits: sign, 5 of the exponent, 10 of the fraction.
float from_half(uint16_t bits) {
  const int exponent = (bits >> 10) & 31, fraction = bits & 1023;
  float value = std::ldexp(static_cast<float>(fraction), -24);
  if (exponent == 31) value = fraction ? NAN : INFINITY;
  if (exponent > 0 && exponent < 31) {
    value = std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  }
  return bits >> 15 ? -value : value;
}

Tensor halves(const ArrowColumn& c) {
  const auto* from = c.buffer<uint16_t>(1) + c.first;
  auto out = torch::empty({c.rows}, torch::kFloat32);
  for (int64_t r = 0; r < c.rows; ++r) out.data_ptr<float>()[r] = from_half(from[r]);
  return out;
}

/// "d:PRECISION,SCALE" of 128 bits.
Tensor decimals(const ArrowColumn& c) {
  const auto format = c.format();
  const auto comma = format.find(',');
  check(comma != std::string::npos && format.find(',', comma + 1) == std::string::npos,
        "[arrow] column \"", c.name(), "\": decimals of other than 128 bits are not known");
  const double unit = std::pow(10.0, -std::atof(format.c_str() + comma + 1));
  const auto* from = c.buffer<int64_t>(1) + 2 * c.first;  // the low half, then the high one
  auto out = torch::empty({c.rows}, torch::kFloat64);
  for (int64_t r = 0; r < c.rows; ++r) {
    const auto low = static_cast<double>(static_cast<uint64_t>(from[2 * r]));
    out.data_ptr<double>()[r] = (std::ldexp(static_cast<double>(from[2 * r + 1]), 64) + low) * unit;
  }
  return out;
}

}  // namespace

Tensor numbers_of(const ArrowColumn& c) {
  if (c.format().starts_with("d:")) return decimals(c);
  switch (c.format().size() == 1 ? c.format()[0] : '\0') {
    case 'c':
      return numbers_as<int8_t>(c, torch::kInt64);
    case 'C':
      return numbers_as<uint8_t>(c, torch::kInt64);
    case 's':
      return numbers_as<int16_t>(c, torch::kInt64);
    case 'S':
      return numbers_as<uint16_t>(c, torch::kInt64);
    case 'i':
      return numbers_as<int32_t>(c, torch::kInt64);
    case 'I':
      return numbers_as<uint32_t>(c, torch::kInt64);
    case 'l':
      return numbers_as<int64_t>(c, torch::kInt64);
    case 'L':
      return numbers_as<uint64_t>(c, torch::kInt64);
    case 'e':
      return halves(c);
    case 'f':
      return numbers_as<float>(c, torch::kFloat32);
    case 'g':
      return numbers_as<double>(c, torch::kFloat64);
    default:
      return Tensor();
  }
}

}  // namespace elbo::capi
