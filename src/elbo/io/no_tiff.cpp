#include "elbo/core/error.h"
#include "elbo/io/picture.h"

namespace elbo {

bool has_tiff() { return false; }

Picture decode_tiff(std::string_view, const std::string& where, int64_t) {
  fail("[tiff] ", where, ": this build reads no TIFF; install libtiff-dev and build again");
}

}  // namespace elbo
