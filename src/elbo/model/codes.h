#pragma once

#include <string>
#include <vector>

#include "elbo/model/model.h"

namespace elbo {

/// What a number of a site's value is called: z3; z1.3 where the site's own name ends in a digit.
std::string place_name(const std::string& site, int64_t place);

/// How the values of all sites of a model stand in one row of numbers: what `encode` writes and
/// `decode` reads.
struct CodeLayout {
  struct Part {
    std::string site;
    Shape shape;  // of one row
    torch::ScalarType type = torch::kFloat32;
    int64_t offset = 0, size = 0;
    bool whole = false;  // values are whole numbers: classes, or places in a codebook
  };
  std::vector<Part> parts;
  int64_t size = 0;

  /// [size] true where a code holds classes or places in a codebook, whose neighbours are not
  /// alike.
  Tensor whole() const;
  /// Column names by place_name(): z0, z1, … and s0, s1, … for a single site z, else s_SITE0, ….
  std::vector<std::string> mean_names() const;
  std::vector<std::string> deviation_names() const;
};
CodeLayout code_layout(Model& model, const Schemas& schemas);

/// Posterior means and deviations, [B, size] each, of x alone: known labels are not looked at. A
/// site that is enumerated (a class) is taken at its most probable value; deviations are NaN where
/// a site has none.
struct Codes {
  Tensor mean, deviation;
};
Codes encode_batch(Model& model, const CodeLayout& layout, const Batch& batch);
/// [N, size] codes, or their deviations, of all rows; for tasks that look at few.
Codes encode_all(Model& model, const CodeLayout& layout, const Dataset& data, const Draw& draw);

/// Rows of a code as sites fixed at these values.
Values as_sites(const CodeLayout& layout, const Tensor& codes);
/// p(x | codes).
Dist decode_codes(Model& model, const CodeLayout& layout, const Tensor& codes, const Tensor& c);

/// [N, …]: what stands for rows of a decoded distribution: means; of tables, whose columns have
/// classes, what is typical.
Tensor one_value(const Distribution& x, const Schema& schema);

/// Rows that fit into a block of bounded memory.
int64_t block_rows(const Schemas& schemas);

}  // namespace elbo
