#include <map>

#include "elbo/distributions/distribution.h"

namespace elbo {
namespace {

using Pair = std::pair<std::type_index, std::type_index>;
struct Forms {
  KlFunction components, rows;
};

// Inside a function so that it exists before any static initialiser adds to it.
std::map<Pair, Forms>& table() {
  static std::map<Pair, Forms> forms;
  return forms;
}

const Forms* find(const Distribution& q, const Distribution& p) {
  const auto at = table().find({typeid(q), typeid(p)});
  return at == table().end() ? nullptr : &at->second;
}

}  // namespace

bool add_kl(std::type_index q, std::type_index p, KlFunction components, KlFunction rows) {
  table()[{q, p}] = {std::move(components), std::move(rows)};
  return true;
}

std::optional<Tensor> kl(const Distribution& q, const Distribution& p) {
  const Forms* forms = find(q, p);
  if (!forms) return std::nullopt;
  return forms->rows ? forms->rows(q, p) : row_sum(forms->components(q, p));
}

std::optional<Tensor> kl_components(const Distribution& q, const Distribution& p) {
  const Forms* forms = find(q, p);
  if (!forms) return std::nullopt;
  return forms->components(q, p);
}

}  // namespace elbo
