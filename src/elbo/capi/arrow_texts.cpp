#include <cstring>

#include "elbo/capi/arrow_column.h"
#include "elbo/capi/guard.h"
#include "elbo/capi/table_columns.h"
#include "elbo/data/times.h"

namespace elbo::capi {
namespace {

template <class Offset>
std::vector<std::string_view> texts_by(const ArrowColumn& c) {
  const auto* offsets = c.buffer<Offset>(1) + c.first;
  const bool any = offsets[c.rows] > offsets[0];
  const char* bytes = any ? c.buffer<char>(2) : "";
  std::vector<std::string_view> list;
  for (int64_t r = 0; r < c.rows; ++r) {
    list.emplace_back(bytes + offsets[r], static_cast<size_t>(offsets[r + 1] - offsets[r]));
  }
  return list;
}

/// Views of 16 bytes: the length, then up to 12 bytes of text, or a buffer and a place in it.
std::vector<std::string_view> texts_by_views(const ArrowColumn& c) {
  constexpr int32_t kInside = 12;
  const auto* views = c.buffer<char>(1) + 16 * c.first;
  const auto valid = c.valid();
  std::vector<std::string_view> list;
  for (int64_t r = 0; r < c.rows; ++r) {
    const char* view = views + 16 * r;
    int32_t size = 0, buffer = 0, at = 0;
    std::memcpy(&size, view, 4);
    std::memcpy(&buffer, view + 8, 4);
    std::memcpy(&at, view + 12, 4);
    const bool missing = !valid.empty() && valid[static_cast<size_t>(r)] == 0;
    if (missing || size <= 0) {
      list.emplace_back();
    } else if (size <= kInside) {
      list.emplace_back(view + 4, static_cast<size_t>(size));
    } else {
      list.emplace_back(c.buffer<char>(2 + buffer) + at, static_cast<size_t>(size));
    }
  }
  return list;
}

}  // namespace

std::vector<std::string_view> texts_of_column(const ArrowColumn& c) {
  if (c.format() == "U") return texts_by<int64_t>(c);
  if (c.format() == "vu") return texts_by_views(c);
  check(c.format() == "u", "[arrow] column \"", c.name(), "\": the format \"", c.format(),
        "\" is not known; known: numbers, decimals, booleans, texts (u, U, vu), dates (td), times "
        "(ts), dictionaries of texts");
  return texts_by<int32_t>(c);
}

}  // namespace elbo::capi
