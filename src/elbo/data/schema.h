#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "elbo/core/api.h"
#include "elbo/core/options.h"
#include "elbo/core/tensor.h"

namespace ELBO_API elbo {

/// What the single numbers of a variable are; kNone: there is no variable.
enum class Kind { kNone, kReal, kUnit, kBinary, kByte, kCount, kCategory, kToken, kTable };

/// The name in schema.json and in messages: real, unit, …; "" for kNone.
const std::string& to_string(Kind kind);
/// The kind of that name; nothing where there is none.
std::optional<Kind> kind_named(const std::string& name);
/// Names of all kinds that a variable may have.
const std::vector<std::string>& kind_names();
std::ostream& operator<<(std::ostream& out, Kind kind);
void to_json(Json& j, Kind kind);

/// Numbers with an order, which can be added and scaled: no classes, tokens or mixed columns.
bool is_numeric(Kind kind);
/// Numbers within [0, 1].
bool is_bounded(Kind kind);
/// Single numbers of which there are countably many: their probability is at most 1.
bool is_discrete(Kind kind);

/// What standardises numbers: (x - loc) / scale.
struct Units {
  Tensor loc, scale;  // [1, shape…] float32

  /// Standardised numbers as raw ones.
  Tensor out(const Tensor& standardised) const { return loc + scale * standardised; }
};

/// What a variable is: enough to choose a network and a likelihood for it.
struct Schema {
  Shape shape;  // images are channels x height x width
  Kind kind = Kind::kNone;
  Json detail = Json::object();  // columns, classes, loc and scale, how it is binarized, …

  bool present() const { return kind != Kind::kNone; }
  /// Where the rows that it was learned from lie; nothing where they are read as they are.
  std::optional<Units> units() const;
  /// [1, shape…] float64: what was taken off the numbers before they became float32; undefined = 0.
  Tensor origin() const;
  /// Whether cells may be missing.
  bool missing() const;
  /// Texts: the tokens, each its id's; empty for anything else.
  std::vector<std::string> vocabulary() const;
  /// What reading has left out or changed, in sentences.
  std::vector<std::string> notes() const;
};
struct Schemas {
  Schema x, c, y;
  Schema target = {};
};
Json to_json(const Schema& schema);
Schema schema_from_json(const Json& j, const std::string& where);
/// Raises an Error that names the first difference in what a model needs (shape, kind).
void check_fits(const Schema& found, const Schema& expected, const std::string& where);

/// Names of the classes of a label or a one-hot condition: numbers where the data name none.
std::vector<std::string> class_names(const Schema& schema);
/// How many there are; 0 where the schema does not say.
int64_t class_count(const Schema& schema);

}  // namespace elbo
