#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "elbo/core/options.h"

namespace elbo {

constexpr int64_t kMostChannels = 8;  // of a shrunken network

/// Whole numbers under the names that mean a size, cut.
inline void shrink(Json& j, int64_t widest) {
  static const std::vector<std::string> sizes{"hidden", "widths", "channels",  "features",
                                              "codes",  "sizes",  "components"};
  if (!j.is_structured()) return;
  for (const auto& item : j.items()) {
    auto& value = item.value();
    if (std::find(sizes.begin(), sizes.end(), item.key()) != sizes.end()) {
      const auto most = item.key() == "channels" ? kMostChannels : widest;
      const auto cut = [most](Json& one) {
        if (one.is_number_integer()) one = std::min(one.get<int64_t>(), most);
      };
      cut(value);
      if (value.is_array()) std::for_each(value.begin(), value.end(), cut);
    }
    shrink(value, widest);
  }
}

/// A model's spec with small networks, also where the data would choose them.
inline Json with_small_networks(Json spec, int64_t widest) {
  for (const char* part : {"encoder", "decoder"}) {
    if (spec[part] == "auto") spec[part] = {{"type", "mlp"}, {"hidden", {widest}}};
  }
  shrink(spec, widest);
  return spec;
}

}  // namespace elbo
