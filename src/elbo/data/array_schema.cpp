#include <charconv>
#include <map>
#include <set>

#include "elbo/core/text.h"
#include "elbo/data/reader.h"
#include "elbo/io/image.h"

namespace elbo {
namespace {

void check_finite(const Tensor& x, const std::string& where) {
  for_each_rows(x, [&](const Tensor& rows, int64_t first) {
    const auto bad = rows.flatten(1).isfinite().logical_not();
    if (!bad.any().item<bool>()) return;
    const auto cell = bad.nonzero()[0];
    fail("[arrays] ", where, ": row ", first + cell[0].item<int64_t>(), ", column ",
         cell[1].item<int64_t>(),
         " is not finite; data with missing cells are read from tables (CSV)");
  });
}

constexpr double kMostClasses = 10000;

bool few_channels(int64_t n) { return n == 1 || n == 3; }

/// Pictures as [N, C, H, W].
Tensor channels_first(const Tensor& x) {
  if (x.dim() == 3) return x.unsqueeze(1);
  const bool last = x.dim() == 4 && few_channels(x.size(3)) && !few_channels(x.size(1));
  return last ? x.permute({0, 3, 1, 2}) : x;
}

/// Whether the numbers are real columns though their range would also do for shares or counts:
/// somebody said so, or the model was trained on such.
bool wants_real(const DataOptions& options) {
  if (options.reader.value("kind", "auto") == "real") return true;
  return options.like && options.like->x.kind == Kind::kReal;
}

Tensor resized(const Tensor& x, const DataOptions& options, const std::string& where) {
  const auto [height, width] = resize_of(options);
  if (height == 0) return x;
  if (x.scalar_type() != torch::kUInt8 || x.dim() != 4) refuse_resize(options, where);
  auto out = torch::empty({x.size(0), x.size(1), height, width}, torch::kUInt8);
  for (int64_t i = 0; i < x.size(0); ++i) out[i].copy_(resize_image(x[i], height, width));
  return out;
}

/// Names of the classes that numbers tell of, see set_labels().
std::vector<std::string> names_of_numbers(std::set<int64_t> found) {
  const bool signs = found == std::set<int64_t>{-1, 1};  // outliers and inliers
  if (!signs) found.erase(-1);
  std::vector<std::string> names;
  if (found.count(0) > 0) {
    for (int64_t k = 0; k <= *found.rbegin(); ++k) names.push_back(std::to_string(k));
    return names;
  }
  for (const int64_t value : found) names.push_back(std::to_string(value));
  return names;
}

}  // namespace

std::pair<int64_t, int64_t> resize_of(const DataOptions& options) {
  const auto& text = options.resize;
  if (text.empty()) return {0, 0};
  const auto [height, width] = two_whole_numbers(text, 'x').value_or(std::pair<int64_t, int64_t>());
  constexpr int64_t kLongest = 1 << 14;
  check(height > 0 && width > 0 && height <= kLongest && width <= kLongest,
        "[data] resize: found \"", text, "\", expected HEIGHTxWIDTH as in 64x64, each at most ",
        kLongest);
  return {height, width};
}

void set_x(Arrays& arrays, Tensor x, const DataOptions& options, const std::string& where) {
  check(x.dim() >= 1 && x.numel() > 0, "[arrays] ", where, ": holds no rows");
  x = x.narrow(0, 0, kept_rows(options, x.size(0)));
  if (x.dim() == 1) x = x.unsqueeze(1);
  const auto type = x.scalar_type();
  if (torch::isFloatingType(type)) {
    if (type == torch::kFloat16) x = x.to(torch::kFloat32);
    check_finite(x, where);
  } else if (type == torch::kUInt8) {
    x = resized(channels_first(x), options, where).contiguous();
  }
  if (x.scalar_type() != torch::kUInt8) refuse_resize(options, where);
  const auto low = x.min().item<double>(), high = x.max().item<double>();
  Kind kind;
  if (type == torch::kBool || (!torch::isFloatingType(type) && low >= 0 && high <= 1)) {
    kind = Kind::kBinary;
  } else if (type == torch::kUInt8) {
    kind = Kind::kByte;
  } else if (low < 0 || (torch::isFloatingType(type) && high > 1)) {
    kind = Kind::kReal;
  } else {
    kind = torch::isFloatingType(type) ? Kind::kUnit : Kind::kCount;
  }
  if (wants_real(options)) {
    kind = Kind::kReal;
    if (!torch::isFloatingType(type)) x = x.to(torch::kFloat32);
  }
  if (kind == Kind::kUnit || kind == Kind::kBinary) x = channels_first(x).contiguous();
  // What float32 cannot tell apart would be a silent change of the data.
  constexpr double kLargestCount = 1 << 24;
  check(kind != Kind::kCount || high <= kLargestCount, "[arrays] ", where, ": holds the count ",
        high, ", at most ", kLargestCount);
  Schema schema{{x.sizes().begin() + 1, x.sizes().end()}, kind, Json::object()};
  arrays.schemas.x = kind == Kind::kReal ? real_schema(x) : schema;
  arrays.x = x;
}

void set_labels(Arrays& arrays, const Tensor& y, const Tensor& also, const std::string& where,
                const Schemas* known) {
  const auto rows = arrays.x.size(0);
  const bool column = y.dim() == 1 || (y.dim() == 2 && y.size(1) == 1);
  check(column && y.size(0) >= rows, "[arrays] ", where, ": labels of shape ",
        to_string(y.sizes().vec()), ", expected one for each row of x");
  const auto all = y.flatten().to(torch::kFloat64);
  const bool whole = (all == all.floor())
                         .logical_and(all >= -1)
                         .logical_and(all < kMostClasses)
                         .all()
                         .item<bool>();
  check(whole, "[arrays] ", where, ": labels must be whole numbers from 0 (-1 = unknown) below ",
        kMostClasses);
  // The whole column names the classes: the first rows may lack some.
  std::set<int64_t> found;
  for (const auto& part :
       {all.to(torch::kInt64).contiguous(),
        also.defined() ? also.flatten().to(torch::kInt64).contiguous() : Tensor()}) {
    if (!part.defined()) continue;
    const auto* value = part.data_ptr<int64_t>();
    found.insert(value, value + part.numel());
  }
  auto names = known && known->y.present() ? class_names(known->y) : std::vector<std::string>();
  if (names.empty()) names = names_of_numbers(found);
  const auto values = class_values(names);
  if (!values) {  // places of words
    for (auto k = static_cast<int64_t>(names.size()); !found.empty() && k <= *found.rbegin(); ++k) {
      names.push_back(std::to_string(k));
    }
    arrays.y = all.narrow(0, 0, rows).to(torch::kInt64);
    arrays.schemas.y = category_schema(names);
    return;
  }
  std::map<int64_t, int64_t> place;
  for (size_t k = 0; k < values->size(); ++k) place.emplace((*values)[k], static_cast<int64_t>(k));
  for (const int64_t value : found) {
    if (value < 0 || !place.emplace(value, static_cast<int64_t>(names.size())).second) continue;
    names.push_back(std::to_string(value));
  }
  arrays.y = all.narrow(0, 0, rows).to(torch::kInt64).clone();
  auto* label = arrays.y.data_ptr<int64_t>();
  for (int64_t i = 0; i < rows; ++i) {
    const auto at = place.find(label[i]);
    label[i] = at == place.end() ? -1 : at->second;
  }
  arrays.schemas.y = category_schema(names);
}

std::optional<std::vector<int64_t>> class_values(const std::vector<std::string>& names) {
  std::vector<int64_t> values;
  for (const auto& name : names) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), value);
    if (error != std::errc() || end != name.data() + name.size()) return {};
    values.push_back(value);
  }
  return values;
}

}  // namespace elbo
