#include "elbo/model/density.h"

namespace elbo {

Registry<Density, const Schema&>& densities() {
  static Registry<Density, const Schema&> registry("density");
  return registry;
}

Json resolve_densities(const Json& declared) {
  if (declared.is_null() || declared == "auto") return Json::array();
  check(declared.is_array(), "[spec] densities: expected a list, found ", declared.dump());
  Json resolved = Json::array();
  for (const auto& one : declared) {
    const Json part = one.is_string() ? Json{{"type", one}} : one;
    check(part.is_object() && part.contains("type") && part["type"].is_string(),
          "[spec] densities: expected names or objects with \"type\", found ", one.dump());
    densities().find(part["type"]);
    resolved.push_back(part);
  }
  return resolved;
}

Json bounded_densities(const Json& resolved, int64_t rows) {
  Json bounded = resolved;
  for (auto& part : bounded) {
    for (const auto& option : densities().find(part["type"]).options) {
      if (option.name != "rows") continue;
      const auto most = part.value("rows", option.value.get<int64_t>());
      part["rows"] = std::max<int64_t>(2, std::min(most, rows));
    }
  }
  return bounded;
}

Densities make_densities(const Json& declared, const Schema& x) {
  Densities list;
  for (const auto& one : declared) list.push_back(densities().make(x, one));
  return list;
}

}  // namespace elbo
