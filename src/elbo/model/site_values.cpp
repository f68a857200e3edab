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

}  // namespace elbo
