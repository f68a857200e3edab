#include "elbo/data/reader.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "elbo/core/text.h"
#include "elbo/data/open.h"

namespace elbo {

Data with_binarization(Data data, const DataOptions& options, const std::string& automatic) {
  const bool as_bytes = options.like && options.like->x.kind == Kind::kByte;
  const auto usual = as_bytes ? "none" : automatic;
  return binarized(std::move(data), options.binarize == "auto" ? usual : options.binarize);
}

void refuse_resize(const DataOptions& options, const std::string& where) {
  check(options.resize.empty(), "[", where, "] resize: ", options.resize,
        " asked for, only images can be resized");
}

void refuse_test(const DataOptions& options, const std::string& where) {
  check(options.split != "test", "[", where,
        "] split: the source has no test part of its own; allowed: train, all");
}

int64_t kept_rows(const DataOptions& options, int64_t found) {
  return options.rows > 0 ? std::min(options.rows, found) : found;
}

void for_each_rows(const Tensor& x, const std::function<void(const Tensor&, int64_t)>& f) {
  constexpr int64_t kElements = int64_t{1} << 19;
  const int64_t width = std::max<int64_t>(1, x.numel() / std::max<int64_t>(x.size(0), 1));
  const int64_t block = std::max<int64_t>(1, kElements / width);
  for (int64_t first = 0; first < x.size(0); first += block) {
    f(x.narrow(0, first, std::min(block, x.size(0) - first)), first);
  }
}

Schema real_schema(const Tensor& x) {
  // Two passes in double: the squares of large values far from zero would cancel.
  const auto count = static_cast<double>(x.size(0));
  const int64_t width = x.numel() / std::max<int64_t>(x.size(0), 1);
  auto loc = torch::zeros({width}, torch::kFloat64), square = torch::zeros_like(loc);
  for_each_rows(x, [&](const Tensor& rows, int64_t) {
    loc += rows.flatten(1).to(torch::kFloat64).sum(0) / count;
  });
  for_each_rows(x, [&](const Tensor& rows, int64_t) {
    square += (rows.flatten(1).to(torch::kFloat64) - loc).square().sum(0) / count;
  });
  const auto deviation = square.sqrt();
  const auto rounding = 1e-7 * loc.abs();
  const auto scale = torch::where(deviation > rounding, deviation, torch::ones_like(deviation));
  const auto list = [](const Tensor& t) {
    return std::vector<double>(t.data_ptr<double>(), t.data_ptr<double>() + t.numel());
  };
  Schema schema{{x.sizes().begin() + 1, x.sizes().end()}, Kind::kReal, Json::object()};
  schema.detail["loc"] = list(loc.contiguous());
  schema.detail["scale"] = list(scale.contiguous());
  return schema;
}

double far_origin(double mean, double deviation, double largest) {
  // Deviations from zero beyond which less than four digits of a deviation are left to float32.
  constexpr double kFar = 1e3, kWhole = 1 << 24;
  return std::abs(mean) > kFar * deviation || largest > kWhole ? std::floor(mean) : 0;
}

void set_origin(Schema& schema, const Tensor& origin) {
  const auto plain = origin.contiguous();
  const auto* from = plain.data_ptr<double>();
  schema.detail["origin"] = std::vector<double>(from, from + plain.numel());
}

std::string origin_note(const Schema& schema) {
  const auto all = schema.origin();
  const auto far = all.ne(0);
  constexpr double kWhole = 1e15;  // beyond it digits say less than a power of ten
  const auto place = all.masked_select(far)[0].item<double>();
  std::ostringstream note;
  note << far.sum().item<int64_t>() << " of " << all.numel()
       << " numbers of a row lie far from zero, e.g. around "
       << (std::abs(place) < kWhole ? std::to_string(static_cast<int64_t>(place))
                                    : number_text(place))
       << ": the model reads their distances from there, outputs have them whole";
  return note.str();
}

Schema category_schema(const std::vector<std::string>& classes) {
  return {{}, Kind::kCategory, {{"classes", classes}}};
}

}  // namespace elbo
