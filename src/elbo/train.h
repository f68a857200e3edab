#pragma once

// Training, and runs on disk.

#include "elbo/data.h"
#include "elbo/model.h"
#include "elbo/train/plan.h"
#include "elbo/train/run.h"
#include "elbo/train/trainer.h"
