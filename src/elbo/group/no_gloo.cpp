#include "elbo/core/error.h"
#include "elbo/group/join.h"

namespace elbo {
namespace {
constexpr const char* kMissing =
    "this build was made without Gloo's headers (Debian: libgloo-dev), or libtorch has no c10d";
}

bool can_join(std::string* why) {
  if (why) *why = kMissing;
  return false;
}

std::shared_ptr<Group> join_group(const Launch& launch) {
  fail("[train] ", launch.size, " processes: ", kMissing, "; install it and build again");
}

std::unique_ptr<Meeting> open_meeting() {
  fail("[train] several processes: ", kMissing, "; install it and build again");
}

}  // namespace elbo
