#pragma once

#include <string>
#include <vector>

#include "elbo/data/tokenizer.h"
#include "elbo/model/codes.h"

namespace elbo {

/// How a text is written that lacks something.
inline constexpr const char* kGap = "___";

struct GapPlan {
  int64_t particles = 100;  // draws of the latent variables
  int64_t longest = 20;     // tokens that a gap may hold, at least one
};

/// One way to fill all gaps of a text.
struct Filled {
  std::string text;
  double probability;  // of this text among those that were found
};

/// p(missing | present) of a text with gaps, by sequential importance sampling: codes are drawn
/// from q(z | what is present), each gap is written by p(x | z, what stands before it), every
/// length up to the longest is weighed by the probability of what follows, and particles are drawn
/// anew by their weights from gap to gap. The likeliest first. Raises an Error where the text has
/// no gap or no room.
std::vector<Filled> fill_gaps(Model& model, const Schema& schema, const CodeLayout& layout,
                              const std::string& text, const GapPlan& plan);

}  // namespace elbo
