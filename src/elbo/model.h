#pragma once

// Models as declarations: the roles that parts play, the zoo, build().

#include "elbo/model/flow_step.h"
#include "elbo/model/spec.h"
#include "elbo/nn/network.h"
