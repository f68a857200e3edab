#include "elbo/core/error.h"
#include "elbo/io/picture.h"

namespace elbo {

bool has_gif() { return false; }

Picture decode_gif(std::string_view, const std::string& where, int64_t) {
  fail("[gif] ", where, ": this build reads no GIF; install libgif-dev and build again");
}

}  // namespace elbo
