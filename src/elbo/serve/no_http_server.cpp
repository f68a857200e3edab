#include "elbo/serve/server.h"

namespace elbo {

void serve(std::shared_ptr<const Run>, std::shared_ptr<Model>, const ServeOptions&,
           const std::function<void(const std::string&)>&, const std::function<bool()>&) {
  fail("[serve] this build has no server; install libcpp-httplib-dev and build again");
}

}  // namespace elbo
