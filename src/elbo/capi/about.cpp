#include "elbo/capi/guard.h"
#include "elbo/core/device.h"
#include "elbo/core/parts.h"
#include "elbo/data/builtin.h"
#include "elbo/data/open.h"
#include "elbo/elbo.h"
#include "elbo/eval/metric.h"
#include "elbo/model/spec.h"
#include "elbo/nn/network.h"
#include "elbo/tasks/task.h"

namespace elbo::capi {
namespace {

Json described(const std::vector<OptionHelp>& options) {
  Json list = Json::array();
  for (const auto& option : options) {
    list.push_back({{"name", option.name}, {"help", option.help}, {"default", option.value}});
  }
  return list;
}

template <class Registry>
Json entries_of(const Registry& registry) {
  Json list = Json::array();
  for (const auto& entry : registry.entries()) {
    list.push_back(
        {{"name", entry.name}, {"about", entry.about}, {"options", described(entry.options)}});
  }
  return list;
}

Json listed_zoo() {
  Json list = Json::array();
  for (const auto& entry : zoo()) {
    list.push_back({{"name", entry.name}, {"about", entry.about}, {"options", Json::array()}});
  }
  return list;
}

Json listed_training() {
  return Json::array({{{"name", "train"},
                       {"about", "options of a training"},
                       {"options", described(describe<TrainOptions>())}}});
}

using Maker = std::function<Json()>;
const std::vector<std::pair<std::string, Maker>>& lists() {
  static const std::vector<std::pair<std::string, Maker>> all = {
      {"models", listed_zoo},
      {"tasks", [] { return entries_of(tasks()); }},
      {"metrics", [] { return entries_of(metrics()); }},
      {"data", [] { return entries_of(readers()); }},
      {"builtin", [] { return entries_of(builtins()); }},
      {"heads", [] { return entries_of(heads()); }},
      {"networks", [] { return entries_of(networks()); }},
      {"latents", [] { return entries_of(latents()); }},
      {"objectives", [] { return entries_of(objectives()); }},
      {"densities", [] { return entries_of(densities()); }},
      {"train", listed_training}};
  return all;
}

Json list_of(const std::string& what) {
  std::vector<std::string> names;
  for (const auto& [name, make] : lists()) {
    if (name == what) return make();
    names.push_back(name);
  }
  fail("[list] unknown \"", what, "\"; known: ", join(names));
}

}  // namespace
}  // namespace elbo::capi

using namespace elbo::capi;

const char* elbo_version(void) { return elbo::build_version(); }
int32_t elbo_abi_version(void) { return ELBO_ABI_VERSION; }

elbo_status elbo_about(char** json) {
  return guarded([&] {
    check_given(json, "elbo_about", "json");
    elbo::Json about = elbo::device_report();
    about["version"] = elbo::build_version();
    about["parts"] = elbo::Json::array();
    for (const auto& part : elbo::build_parts()) {
      about["parts"].push_back(
          {{"name", part.name}, {"in_use", part.in_use}, {"missing", part.missing}});
    }
    *json = copied(about.dump());
  });
}

elbo_status elbo_list(const char* what, char** json) {
  return guarded([&] {
    check_given(what, "elbo_list", "what");
    check_given(json, "elbo_list", "json");
    *json = copied(list_of(what).dump());
  });
}
