#include "elbo/model/site_values.h"

namespace elbo {
namespace {

SiteValues*& current_values() {
  static thread_local SiteValues* current = nullptr;
  return current;
}

}  // namespace

SiteValues::SiteValues() : before_(current_values()) { current_values() = this; }
SiteValues::~SiteValues() { current_values() = before_; }
SiteValues* SiteValues::current() { return current_values(); }

Tensor SiteValues::inferred(const std::string& site, const Dist&, const Dist&) {
  fail("[latent] ", site, ": it is inferred where it is generated");
}
Tensor SiteValues::generated(const std::string& site, const Dist&, int64_t, bool) {
  fail("[latent] ", site, ": it is drawn from its prior in inference");
}

}  // namespace elbo
