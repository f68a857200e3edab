#pragma once

#include <string>
#include <vector>

#include "elbo/core/tensor.h"

// How codes [n, d] (posterior means) answer to known factors [n, k] (int64 classes 0 …), as
// disentanglement_lib defines it (Locatello et al. 2019, arXiv:1811.12359). Natural logarithms.

namespace elbo {

/// Factors as classes: the values of each column numbered in order; a column of more than
/// `most` values is cut into 20 bins of equal width first.
Tensor factor_classes(const Tensor& factors, int64_t most = 64);

/// [d, k] mutual information of codes in 20 bins of equal width and factors.
Tensor discrete_information(const Tensor& codes, const Tensor& factors);
/// Mutual information gap: mean over factors of the best code's lead over the next, in shares of
/// the factor's entropy. Factors with one value are skipped.
double information_gap(const Tensor& codes, const Tensor& factors);
/// Modularity (Ridgeway & Mozer 2018): how near each code is to informing of one factor alone.
double modularity(const Tensor& codes, const Tensor& factors);
/// Interventional robustness (Suter et al. 2019) with the 99th percentile of deviations.
double interventional_robustness(const Tensor& codes, const Tensor& factors);

/// Codes and factors to fit on, and others to judge by.
struct FactorSplit {
  Tensor train_codes, train_factors, test_codes, test_factors;
};
/// Mean area under the ROC curve of logistic regressions from codes to each factor's values.
double explicitness(const FactorSplit& s);
/// Separated attribute predictability (Kumar et al. 2018): mean lead in accuracy of the best code
/// over the next, linear machines of one code each.
double attribute_gap(const FactorSplit& s);
/// Eastwood & Williams 2018 by boosted trees; informativeness is accuracy on the test rows.
struct Dci {
  double disentanglement = 0, completeness = 0, informativeness = 0;
};
Dci dci(const FactorSplit& s);
/// The scores of a matrix of importances [d, k].
Dci dci_of(const Tensor& importance);

}  // namespace elbo
