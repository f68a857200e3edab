#include "elbo/cli/command.h"

#include <algorithm>

namespace elbo {
namespace {

std::vector<std::function<std::vector<Command>()>>& makers() {
  static std::vector<std::function<std::vector<Command>()>> list;
  return list;
}

}  // namespace

bool add_commands(std::function<std::vector<Command>()> make) {
  makers().push_back(std::move(make));
  return true;
}

std::vector<Command> commands() {
  std::vector<Command> all;
  for (const auto& make : makers()) {
    for (auto& command : make()) all.push_back(std::move(command));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

}  // namespace elbo
