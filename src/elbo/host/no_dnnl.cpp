#include "elbo/host/cpu.h"

namespace elbo {

bool has_dnnl() { return false; }

bool dnnl_product(int64_t, const float*, const float*, float*) { return false; }

}  // namespace elbo
