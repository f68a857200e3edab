#include "elbo/host/cpu.h"

namespace elbo {

bool has_dnnl() { return false; }

void dnnl_product(int64_t, const float*, const float*, float*) {}

}  // namespace elbo
