#include "elbo/core/cpu.h"
