#pragma once

#include <string>
#include <vector>

#include "elbo/train/run.h"

namespace elbo {

/// Which classes of a label are anomalies, and how that is known.
struct NormalClass {
  std::vector<bool> anomalous;  // of each class; empty where nobody can say
  std::string name, why;        // the normal class; what it follows from, or why there is none
};

/// `normal` and `anomalies`: classes that a person named, between commas; else the class of nearly
/// all training rows that have one, else the only class with a usual name (normal, benign, good, 0,
/// …). Where these two disagree, or there is neither, there is none. Raises an Error for an unknown
/// class.
NormalClass find_normal_class(const Run& run, const Schema& y, const std::string& normal,
                              const std::string& anomalies);

}  // namespace elbo
