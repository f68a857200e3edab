#pragma once

// Distributions, closed KL divergences, mixtures and flows: needs libtorch alone.

#include "elbo/distributions/bijector.h"
#include "elbo/distributions/columns.h"
#include "elbo/distributions/composite.h"
#include "elbo/distributions/continuous.h"
#include "elbo/distributions/discrete.h"
#include "elbo/distributions/distribution.h"
#include "elbo/distributions/flow.h"
#include "elbo/distributions/full_normal.h"
#include "elbo/distributions/hyperbolic.h"
#include "elbo/distributions/normal_mixture.h"
#include "elbo/distributions/relaxed.h"
#include "elbo/distributions/spherical.h"
