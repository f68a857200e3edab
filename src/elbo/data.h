#pragma once

// Data sets: readers, made data, rows in memory.

#include "elbo/data/builtin.h"
#include "elbo/data/dataset.h"
#include "elbo/data/label_rows.h"
#include "elbo/data/open.h"
