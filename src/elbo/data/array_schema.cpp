#include <charconv>

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

}  // namespace

std::pair<int64_t, int64_t> resize_of(const DataOptions& options) {
  const auto& text = options.resize;
  if (text.empty()) return {0, 0};
  int64_t height = 0, width = 0;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, height);
  bool good = first.ec == std::errc() && first.ptr != end && *first.ptr == 'x';
  if (good) {
    const auto second = std::from_chars(first.ptr + 1, end, width);
    good = second.ec == std::errc() && second.ptr == end;
  }
  constexpr int64_t kLongest = 1 << 14;
  check(good && height > 0 && width > 0 && height <= kLongest && width <= kLongest,
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

int64_t count_classes(const Tensor& y) {
  const double most = y.numel() > 0 ? y.max().item<double>() : -1;
  return most >= 0 && most < kMostClasses ? static_cast<int64_t>(most) + 1 : 0;
}

void set_labels(Arrays& arrays, const Tensor& y, int64_t classes, const std::string& where) {
  const auto rows = arrays.x.size(0);
  const bool column = y.dim() == 1 || (y.dim() == 2 && y.size(1) == 1);
  check(column && y.size(0) >= rows, "[arrays] ", where, ": labels of shape ",
        to_string(y.sizes().vec()), ", expected one for each row of x");
  const auto labels = y.flatten().narrow(0, 0, rows).to(torch::kFloat64);
  const bool whole = (labels == labels.floor())
                         .logical_and(labels >= -1)
                         .logical_and(labels < kMostClasses)
                         .all()
                         .item<bool>();
  check(whole, "[arrays] ", where, ": labels must be whole numbers from 0 (-1 = unknown) below ",
        kMostClasses);
  // The whole column names the classes: the first rows may lack some.
  std::vector<std::string> names;
  for (int64_t k = 0; k < std::max(count_classes(y), classes); ++k) {
    names.push_back(std::to_string(k));
  }
  arrays.y = labels.to(torch::kInt64);
  arrays.schemas.y = category_schema(names);
}

}  // namespace elbo
