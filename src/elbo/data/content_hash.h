#pragma once

#include <string>

#include "elbo/data/dataset.h"

namespace elbo {

/// 16 hexadecimal digits of what the rows hold: values, masks, conditions, labels, targets, their
/// order and number. Data of more than 2^28 numbers are compared by evenly spaced rows.
std::string content_hash(const Dataset& data);

}  // namespace elbo
