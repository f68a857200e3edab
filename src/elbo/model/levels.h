#pragma once

#include <vector>

#include "elbo/model/codes.h"

namespace elbo {

/// Which latent variables of a model are told of which. Those of a hierarchy are drawn from the top
/// down; where one is moved, those that are told of it cannot stay what they were: the data would
/// hardly change.
class Levels {
 public:
  /// Found by draws of the prior, so that it holds for any structure. The model must outlive it.
  Levels(Model& model, CodeLayout layout, const Schemas& schemas);

  /// Whether any variable is told of another.
  bool any() const;
  /// Parts of the layout that are told of the one that holds this place of a code.
  const std::vector<size_t>& below(int64_t place) const;
  /// Codes [n, D] whose value at this place has been moved: what is told of it becomes what its
  /// prior then expects, the rest stays. `c` [n, …] where the model has a condition.
  Tensor settled(const Tensor& codes, int64_t place, const Tensor& c) const;
  /// [n, …] draws of all parts as given [n, …], but where `keep` [n, parts] is 0: there what the
  /// prior expects, given those before. The trace has data's code, too.
  Trace expected(const std::vector<Tensor>& given, const Tensor& keep, const Tensor& c) const;

 private:
  Model* const model_;
  CodeLayout layout_;
  std::vector<size_t> order_;               // the part that is drawn first, then the next, …
  std::vector<std::vector<size_t>> below_;  // of each part
};

}  // namespace elbo
