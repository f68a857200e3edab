#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "elbo/core/text.h"
#include "elbo/data/open.h"
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
constexpr int64_t kMostChannels = 4, kLeastSide = 8;

std::string option(const DataOptions& options, const char* name) {
  return options.reader.value(name, std::string("auto"));
}

std::string sizes_text(const Tensor& x) {
  return to_string(Shape(x.sizes().begin() + 1, x.sizes().end()));
}

/// Pictures N x H x W x C as N x C x H x W, by --channels or by which axis is as short as channels.
Tensor four_axes(const Tensor& x, const DataOptions& options, const std::string& where,
                 Json& notes) {
  const auto channels = option(options, "channels");
  const auto few = [&](int64_t axis) { return x.size(axis) <= kMostChannels; };
  const auto last = [&] { return x.permute({0, 3, 1, 2}); };
  if (channels == "last") return last();
  if (channels != "auto") return x;
  // As the model's are, where only one fits.
  if (options.like && options.like->x.shape.size() == 3) {
    const Shape wanted = options.like->x.shape;
    const auto fits = [&](const Tensor& t) {
      return t.sizes().slice(1) == torch::IntArrayRef(wanted);
    };
    if (fits(x) != fits(last())) return fits(x) ? x : last();
  }
  const auto usual = [&](int64_t axis) { return x.size(axis) == 1 || x.size(axis) == 3; };
  const bool sides = x.size(2) > kMostChannels;
  const bool both = few(1) && few(3) && sides && usual(1) == usual(3);
  check(!both || x.size(1) == 1 || x.size(3) == 1, "[arrays] ", where, ": rows of ", sizes_text(x),
        ": channels may be the first axis or the last; say --channels first or --channels last");
  const bool is_last = sides && few(3) && (!few(1) || (usual(3) && !usual(1)));
  if (!is_last) return x;
  notes.push_back("rows of " + sizes_text(x) +
                  " are read as height x width x channels (--channels first "
                  "reads the first axis as channels)");
  return last();
}

/// Rows of two axes are grey pictures where their numbers are grey levels.
Tensor three_axes(const Tensor& x, bool grey, const DataOptions& options, Json& notes) {
  const auto channels = option(options, "channels");
  if (channels == "one") return x.unsqueeze(1);
  if (channels == "none") return x;
  check(channels == "auto", "[arrays] channels: ", channels, " asked for, rows of ", sizes_text(x),
        " have no channels; allowed: auto, one, none");
  if (options.like && options.like->x.present()) {
    return options.like->x.shape.size() == 3 ? x.unsqueeze(1) : x;
  }
  if (grey) return x.unsqueeze(1);
  if (x.size(1) >= kLeastSide && x.size(2) >= kLeastSide) {
    notes.push_back("rows of " + sizes_text(x) +
                    " numbers are not read as pictures (--channels one reads them so)");
  }
  return x;
}

/// Numbers 0 to 255 that only bytes are likely to be.
bool are_bytes(const Tensor& x, double low, double high, bool known) {
  constexpr double kBright = 127;
  if (low < 0 || high > 255 || (high <= kBright && !known)) return false;
  bool whole = true;
  for_each_rows(x, [&](const Tensor& rows, int64_t) {
    whole = whole && (!torch::isFloatingType(rows.scalar_type()) ||
                      rows.eq(rows.floor()).all().item<bool>());
  });
  return whole;
}

/// Whether the numbers are real columns though their range would also do for shares or counts:
/// somebody said so, or the model was trained on such.
bool wants_real(const DataOptions& options) {
  if (option(options, "kind") == "real") return true;
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

namespace {

/// What the numbers of an array are, by their type and range.
Kind kind_of(torch::ScalarType type, double low, double high) {
  const bool floats = torch::isFloatingType(type);
  if (type == torch::kBool || (!floats && low >= 0 && high <= 1)) return Kind::kBinary;
  if (type == torch::kUInt8) return Kind::kByte;
  if (low < 0 || (floats && high > 1)) return Kind::kReal;
  return floats ? Kind::kUnit : Kind::kCount;
}

/// [1, …] origins of the cells of a row, as the model has them or found anew; undefined = none.
Tensor array_origin(const Tensor& x, const DataOptions& options) {
  if (options.like && options.like->x.kind == Kind::kReal) return options.like->x.origin();
  const auto type = x.scalar_type();
  const bool wide = type == torch::kFloat64 || type == torch::kInt64 || type == torch::kInt32;
  if (!wide) return Tensor();
  const auto near = real_schema(x).detail;
  auto largest = torch::zeros({x.numel() / x.size(0)}, torch::kFloat64);
  for_each_rows(x, [&](const Tensor& rows, int64_t) {
    largest = torch::maximum(largest, rows.flatten(1).to(torch::kFloat64).abs().amax(0));
  });
  std::vector<double> origin;
  for (int64_t c = 0; c < largest.numel(); ++c) {
    const auto at = static_cast<size_t>(c);
    origin.push_back(far_origin(near["loc"][at], near["scale"][at], largest.data_ptr<double>()[c]));
  }
  const auto all = torch::tensor(origin, torch::kFloat64);
  if (!all.any().item<bool>()) return Tensor();
  return all.view(with_rows(1, Shape(x.sizes().begin() + 1, x.sizes().end())));
}

/// x less its origins, subtracted before anything is rounded.
Tensor without_origin(const Tensor& x, const Tensor& origin) {
  auto out = torch::empty(x.sizes(), torch::kFloat32);
  for_each_rows(x, [&](const Tensor& rows, int64_t first) {
    out.narrow(0, first, rows.size(0)).copy_(rows.to(torch::kFloat64) - origin);
  });
  return out;
}

void set_real(Arrays& arrays, Tensor x, const DataOptions& options, Json& notes) {
  const auto origin = array_origin(x, options);
  if (origin.defined()) {
    const Shape shape(x.sizes().begin() + 1, x.sizes().end());
    check(origin.sizes().slice(1) == torch::IntArrayRef(shape), "[arrays] rows of ",
          to_string(shape), ", the model's are of ",
          to_string(Shape(origin.sizes().begin() + 1, origin.sizes().end())));
    x = without_origin(x, origin);
  } else if (!torch::isFloatingType(x.scalar_type())) {
    x = x.to(torch::kFloat32);
  }
  arrays.schemas.x = real_schema(x);
  if (origin.defined()) {
    set_origin(arrays.schemas.x, origin);
    notes.push_back(origin_note(arrays.schemas.x));
  }
  arrays.x = x;
}

}  // namespace

void set_x(Arrays& arrays, Tensor x, const DataOptions& options, const std::string& where) {
  check(x.dim() >= 1 && x.numel() > 0, "[arrays] ", where, ": holds no rows");
  x = x.narrow(0, 0, kept_rows(options, x.size(0)));
  if (x.dim() == 1) x = x.unsqueeze(1);
  const auto type = x.scalar_type();
  if (torch::isFloatingType(type)) {
    if (type == torch::kFloat16) x = x.to(torch::kFloat32);
    check_finite(x, where);
  }
  Json notes = Json::array();
  auto low = x.min().item<double>(), high = x.max().item<double>();
  Kind kind = kind_of(type, low, high);
  const bool real = wants_real(options);
  if (x.dim() == 4) x = four_axes(x, options, where, notes);
  if (x.dim() == 3) {
    const bool signed_grey = torch::isFloatingType(type) && low >= -1 && low < -0.5 && high <= 1 &&
                             std::min(x.size(1), x.size(2)) >= kLeastSide;
    const bool grey = kind == Kind::kByte || kind == Kind::kBinary || kind == Kind::kUnit;
    x = three_axes(x, (grey && !(real && type != torch::kUInt8)) || signed_grey, options, notes);
  }
  const bool picture = x.dim() == 4 && x.size(1) <= kMostChannels;
  const bool known = options.like && options.like->x.present();
  const bool like_bytes =
      known && (options.like->x.kind == Kind::kByte || options.like->x.kind == Kind::kBinary);
  const bool wanted = option(options, "kind") == "auto" && (!known || like_bytes);
  if (picture && !real && wanted && kind != Kind::kByte && kind != Kind::kBinary &&
      are_bytes(x, low, high, like_bytes)) {
    notes.push_back(
        "whole numbers 0 to 255 in pictures are read as bytes (--kind real keeps them numbers)");
    x = x.to(torch::kUInt8);
    kind = Kind::kByte;
  }
  if (x.scalar_type() == torch::kUInt8) x = resized(x, options, where);
  if (x.scalar_type() != torch::kUInt8) refuse_resize(options, where);
  x = x.contiguous();
  // What float32 cannot tell apart would be a silent change of the data.
  constexpr double kLargestCount = 1 << 24;
  if (kind == Kind::kCount && high > kLargestCount && !options.like) kind = Kind::kReal;
  if (real) kind = Kind::kReal;
  if (kind == Kind::kReal) {
    set_real(arrays, x, options, notes);
  } else {
    check(kind != Kind::kCount || high <= kLargestCount, "[arrays] ", where, ": holds the count ",
          high, ", at most ", kLargestCount);
    arrays.schemas.x = {{x.sizes().begin() + 1, x.sizes().end()}, kind, Json::object()};
    arrays.x = x;
  }
  if (!notes.empty()) arrays.schemas.x.detail["notes"] = notes;
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
