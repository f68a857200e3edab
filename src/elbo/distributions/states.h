#pragma once

#include "elbo/core/api.h"
#include "elbo/distributions/distribution.h"

// Columns of a table as states: single values that many rows share, and ranges of the others.

namespace ELBO_API elbo {

/// What x is in a column: the number of a class, of a grade, a whole number that is counted, or a
/// number with a density.
enum class StateKind : int64_t { kClass, kGrade, kCount, kDensity };

/// Where the states of D columns lie; up to V states a column. States of numbers are, in this
/// order, S single values, the ranges, each made of cells, and one for whatever else there may be.
/// Tensors are float32 unless they say otherwise.
struct StateSpace {
  std::vector<StateKind> kinds;  // [D]
  std::vector<double> unit;      // [D] what numbers are rounded to
  int64_t singles = 0;           // S
  int64_t ranges = 0;            // at most so many of them
  Tensor used;                   // [D, V] 1 or 0; not the last state of numbers
  Tensor values;                 // [D, S] rising, then infinite
  Tensor knots;                  // [D, M + 1] rising ends of cells, then infinite
  Tensor log_inside;             // [D, M] log of a value's share in the range of its cell, per unit
  Tensor cumulated;              // [D, M + 1] rows in the cells before
  Tensor cells;                  // [D] int64 cells of a range
  Tensor step, origin;           // [D] draws are the origin and a multiple of the step; 0 = any
  Tensor rest;                   // [D] probability of the last state
  Tensor middle, reach;          // [D] of the Cauchy distribution that the last state is
  Tensor low, high;              // [D] between which draws stay
  Tensor centres, spreads;       // [D, V] means and variances within states

  int64_t columns() const { return static_cast<int64_t>(kinds.size()); }
  int64_t states() const { return used.size(1); }
  bool numeric(int64_t column) const {
    return kinds[static_cast<size_t>(column)] >= StateKind::kCount;
  }
  /// x [..., D] -> the states [..., D] int64 and log p(x | state) [..., D].
  std::pair<Tensor, Tensor> find(const Tensor& x) const;
  /// [D] probability of the last state of numbers; 0 for classes.
  Tensor rest_share() const;
  /// A value of each state [n, D] int64 -> [n, D].
  Tensor draw(const Tensor& states) const;
};

/// Columns that are independent, each over its states. logits: [n, D, V].
struct States : Distribution {
  std::shared_ptr<const StateSpace> space;
  Tensor logits;
  States(std::shared_ptr<const StateSpace> space, Tensor logits)
      : space(std::move(space)), logits(std::move(logits)) {}
  /// [n, D] for x [n, D]; [B, n, D] for x [B, 1, D], each row under each of the n distributions.
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  /// The mean of numbers, the median of grades, the likeliest class.
  Tensor mean() const override { return typical(); }
  Tensor stddev() const override;
  Tensor typical(const Particles& of = {}) const override;
  bool reparameterized() const override { return false; }
  bool factorises() const override { return true; }
  Dist detached() const override { return std::make_shared<States>(space, logits.detach()); }
  /// [n, D, V]
  Tensor log_probs() const;
};

/// Columns whose states are known: x is uniform within each. states: [n, D] float numbers of them.
/// The frequency [D, V] of the states, as logarithms, comes along for whoever draws them.
struct WithinStates : Distribution {
  std::shared_ptr<const StateSpace> space;
  Tensor states, frequency;
  WithinStates(std::shared_ptr<const StateSpace> space, Tensor states, Tensor frequency)
      : space(std::move(space)), states(std::move(states)), frequency(std::move(frequency)) {}
  /// [n, D]; -1e9 where x lies in another state.
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override { return typical(); }
  Tensor stddev() const override;
  Tensor typical(const Particles& of = {}) const override;
  bool reparameterized() const override { return false; }
  bool factorises() const override { return true; }
  Dist detached() const override {
    return std::make_shared<WithinStates>(space, states.detach(), frequency);
  }

 private:
  /// [n, D] of [D, V], what belongs to each row's states.
  Tensor own(const Tensor& of_states) const;
};

/// [n] int64: one of K by weights [n, K], which need no sum of 1.
Tensor drawn_by(const Tensor& weights);

}  // namespace elbo
