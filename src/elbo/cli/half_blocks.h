#pragma once

#include <string>

#include "elbo/core/tensor.h"

namespace elbo {

/// uint8 [1 or 3, H, W] as lines of coloured half blocks, two pixels a character, at most `columns`
/// wide; wider pictures are averaged down.
std::string half_blocks(const Tensor& image, int64_t columns);
/// Of the terminal on stdout; 100 where it is none.
int64_t terminal_columns();

}  // namespace elbo
