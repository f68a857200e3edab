#pragma once

#include <ATen/core/ivalue.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "elbo/io/onnx.h"

namespace elbo {

/// A whole number that follows the number of rows: each * rows + fixed.
struct Count {
  int64_t each = 0, fixed = 0;
  bool operator==(const Count&) const = default;
};
using Counts = std::vector<Count>;

/// A computation is recorded twice, for these numbers of rows. What differs between the two follows
/// the number of rows; primes, so that no size of a layer is met by chance.
constexpr int64_t kFewRows = 7, kManyRows = 11;
Count count_of(int64_t few, int64_t many);

/// A value of the recorded computation.
struct Traced {
  bool known = false;    // no input reaches it:
  at::IValue few, many;  // what it was in each of the two records
  bool fixed = false;    // both are one
  std::string key;       // of what made it: alike values are computed once
  std::string name;      // in the ONNX graph; empty = not there (yet)
  std::vector<std::shared_ptr<Traced>> list;
  torch::ScalarType type = torch::kFloat32;
  Counts shape;

  /// Type and shape of what it was in the two records.
  void measure(const Tensor& few, const Tensor& many);
};

/// An ONNX graph under construction. Names are its values; float64 becomes float32 throughout.
class Translation {
 public:
  explicit Translation(std::string name) { graph.name = std::move(name); }

  /// A node with one output; returns that output.
  std::string emit(const std::string& op, std::vector<std::string> inputs,
                   OnnxAttributes attributes = {});
  std::vector<std::string> emit_many(const std::string& op, std::vector<std::string> inputs,
                                     size_t outputs, OnnxAttributes attributes = {});
  std::string constant(const Tensor& value);
  std::string whole(int64_t value) { return constant(torch::full({}, value, torch::kInt64)); }
  std::string wholes(const std::vector<int64_t>& values);
  std::string number(double value) { return constant(torch::full({}, value, torch::kFloat32)); }
  /// A scalar, and a list, of numbers that may follow the number of rows.
  std::string count(const Count& value);
  std::string counts(const Counts& values);
  /// Reads -1 where a single size follows the number of rows.
  std::string reshape(const std::string& x, const Counts& shape);
  std::string cast(const std::string& x, torch::ScalarType type);
  /// The graph's name of a value, which is put there where it is known.
  const std::string& named(Traced& value);

  /// A new input. The first one with a size that is the number of rows tells it.
  std::string input(const std::string& name, torch::ScalarType type, const Counts& shape);
  /// The whole graph, whose outputs are copies of these values under their own names.
  OnnxGraph finish(const std::vector<std::pair<std::string, Traced*>>& outputs);

  /// The source of a draw: an input normal_I or uniform_I, where I counts draws of either kind.
  std::string noise(const std::string& kind, const Counts& shape);

  OnnxGraph graph;
  int64_t draw = 0;  // the place of the present one

 private:
  std::string fresh() { return "v" + std::to_string(next_++); }
  void drop_unused();
  std::string following(const Tensor& few, const Tensor& many);

  std::map<std::string, std::string> small_;  // bytes and name of small constants
  std::string rows_source_;
  int64_t rows_axis_ = 0, next_ = 0;
};

/// float32 for float64, which is what the traced computation is in.
torch::ScalarType exported(torch::ScalarType type);

/// One traced operation as its translator sees it: inputs by their place.
class Operation {
 public:
  Operation(Translation& to, std::string name, std::vector<Traced*> inputs,
            std::vector<Traced*> outputs)
      : to(to), name(std::move(name)), inputs_(std::move(inputs)), outputs_(std::move(outputs)) {}

  size_t size() const { return inputs_.size(); }
  bool absent(size_t i) const;
  bool is_number(size_t i) const;  // no tensor
  bool is_whole(size_t i) const;
  /// The tensor itself, where no input reaches it and it is the same for any number of rows.
  std::optional<Tensor> known(size_t i) const;
  std::string tensor(size_t i) const { return to.named(*inputs_.at(i)); }
  /// Cast, where it is of another type.
  std::string tensor(size_t i, torch::ScalarType type) const;
  std::vector<Traced*> tensors(size_t i) const;
  torch::ScalarType type(size_t i) const { return inputs_.at(i)->type; }
  const Counts& shape(size_t i) const { return inputs_.at(i)->shape; }
  int64_t rank(size_t i) const { return static_cast<int64_t>(shape(i).size()); }
  /// What tensors 0 and i are compared or joined in.
  torch::ScalarType common_type(size_t a, size_t b) const;

  double number(size_t i) const;
  int64_t whole(size_t i) const;
  bool flag(size_t i) const;
  std::string word(size_t i) const;
  std::vector<int64_t> wholes(size_t i) const;
  Count count(size_t i) const;
  /// Axes from the front, of input `of`.
  int64_t axis(size_t i, size_t of = 0) const;
  std::vector<int64_t> axes(size_t i, size_t of = 0) const;

  torch::ScalarType result_type(size_t i = 0) const { return outputs_.at(i)->type; }
  const Counts& result_shape(size_t i = 0) const { return outputs_.at(i)->shape; }
  void result(const std::string& value, size_t i = 0) const { outputs_.at(i)->name = value; }
  /// Of a list; shapes and types are told by what takes it apart.
  void results(const std::vector<std::string>& values) const;
  [[noreturn]] void refuse(const std::string& why) const;

  Translation& to;
  const std::string name;

 private:
  const at::IValue& same(size_t i) const;

  std::vector<Traced*> inputs_, outputs_;
};

using Op = const Operation&;

/// How an operation of libtorch is said in ONNX. Called from static initialisers.
using Translate = std::function<void(Op)>;
bool add_translation(const std::vector<std::string>& names, const Translate& translate);
/// Null where there is none.
const Translate* find_translation(const std::string& name);

}  // namespace elbo
