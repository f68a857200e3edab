#pragma once

// What a trained model can do: every task takes and gives JSON.

#include "elbo/tasks/task.h"
#include "elbo/train.h"
