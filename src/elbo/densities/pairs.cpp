#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "elbo/core/random.h"
#include "elbo/densities/columns.h"
#include "elbo/kernels/parallel.h"
#include "elbo/model/knows_usual.h"

namespace elbo {
namespace {

struct PairsOptions {
  int64_t states = 32, pairs = 4096;
  template <class F>
  void fields(F&& f) {
    f("states", states,
      "most states of a column: ranges of a number that hold as many rows each; classes, the rare "
      "ones as one",
      between(2, 256));
    f("pairs", pairs,
      "most pairs of columns that are kept, those that tell most of each other first",
      between(1, 1000000));
  }
};

/// Columns as states: ranges of numbers with as many training rows each, classes with the rare ones
/// as one.
class CoarseColumns : public torch::nn::Module {
 public:
  CoarseColumns(std::vector<int64_t> classes, int64_t states)
      : classes_(std::move(classes)), states_(states) {
    const auto n = static_cast<int64_t>(classes_.size());
    const int64_t most = classes_.empty() ? 0 : *std::max_element(classes_.begin(), classes_.end());
    edges_ = register_buffer("edges",
                             torch::full({n, states - 1}, std::numeric_limits<float>::infinity()));
    place_ = register_buffer("place", torch::zeros({n, std::max<int64_t>(1, most)}, torch::kInt64));
  }

  void fit(const Tensor& columns) {
    for (size_t j = 0; j < classes_.size(); ++j) {
      const auto at = static_cast<int64_t>(j);
      const auto column = columns.select(1, at);
      const auto known = column.masked_select(column.isnan().logical_not());
      if (classes_[j] > 0) {
        fit_classes(known, at, classes_[j]);
      } else if (known.numel() > 0) {
        fit_ranges(known, at);
      }
    }
  }

  /// [B, D] int64 states of [B, D] cells; -1 where a cell is missing or a class that training does
  /// not have.
  Tensor operator()(const Tensor& columns) const {
    auto out = torch::full({columns.size(1), columns.size(0)}, -1, torch::kInt64);
    for (size_t j = 0; j < classes_.size(); ++j) {
      const auto at = static_cast<int64_t>(j);
      const auto cells = columns.select(1, at).contiguous();
      const auto missing = cells.isnan();
      if (classes_[j] == 0) {
        const auto range = torch::searchsorted(edges_[at], cells, false, /*right=*/true);
        out[at].copy_(range.masked_fill(missing, -1));
        continue;
      }
      const auto number = cells.nan_to_num(-1).to(torch::kInt64);
      const auto odd = (number < 0).logical_or(number >= classes_[j]);
      const auto known = place_[at].index_select(0, number.clamp(0, classes_[j] - 1));
      out[at].copy_(known.masked_fill(odd, -1));
    }
    return out.t().contiguous();
  }

 private:
  void fit_classes(const Tensor& known, int64_t at, int64_t classes) {
    const auto count = torch::bincount(known.to(torch::kInt64), {}, classes);
    const auto order = std::get<1>(count.sort(/*stable=*/true, 0, /*descending=*/true));
    place_[at].index_copy_(0, order, torch::arange(classes).clamp_max(states_ - 1));
  }
  /// Edges between distinct values, all of them where these are few.
  void fit_ranges(const Tensor& known, int64_t at) {
    const auto sorted = std::get<0>(known.contiguous().sort());
    const auto* x = sorted.data_ptr<float>();
    const int64_t n = sorted.size(0);
    std::vector<float> first;  // values above each possible edge
    for (int64_t i = 1; i < n; ++i) {
      if (x[i] > x[i - 1]) first.push_back(x[i]);
    }
    std::vector<float> edges;
    if (static_cast<int64_t>(first.size()) < states_) {
      edges = std::move(first);
    } else {
      for (int64_t k = 1; k < states_; ++k) {
        const float edge = x[k * n / states_];
        if (edge > x[0] && (edges.empty() || edge > edges.back())) edges.push_back(edge);
      }
    }
    std::copy(edges.begin(), edges.end(), edges_[at].data_ptr<float>());
  }

  const std::vector<int64_t> classes_;
  const int64_t states_;
  Tensor edges_, place_;  // [D, states - 1] lowest values of ranges; [D, classes] states of classes
};

/// How many rows of a sample have each pair of states of two columns.
std::vector<double> pair_counts(const Tensor& states, int64_t a, int64_t b, int64_t width) {
  std::vector<double> count(static_cast<size_t>(width * width));
  const auto* row = states.data_ptr<int64_t>();
  for (int64_t i = 0; i < states.size(0); ++i, row += states.size(1)) {
    if (row[a] >= 0 && row[b] >= 0) ++count[static_cast<size_t>(row[a] * width + row[b])];
  }
  return count;
}

/// Nats that the one column tells of the other, by counts.
double information(const std::vector<double>& count, int64_t width) {
  std::vector<double> first(static_cast<size_t>(width)), second(first);
  double rows = 0, sum = 0;
  for (size_t k = 0; k < count.size(); ++k) {
    first[k / first.size()] += count[k];
    second[k % first.size()] += count[k];
    rows += count[k];
  }
  for (size_t k = 0; k < count.size(); ++k) {
    if (count[k] == 0) continue;
    sum +=
        count[k] * std::log(count[k] * rows / (first[k / first.size()] * second[k % first.size()]));
  }
  return rows > 0 ? sum / rows : 0;
}

/// Two cells that seldom go together: for each pair of columns q(a) q(b) / p(a, b), how many times
/// rarer their states are than if the columns were independent. Its expectation over normal rows is
/// 1 for each pair and so for the mean over pairs (an e-value: above t with probability 1/t at
/// most), whose logarithm is the surprise. p is that of counts drawn towards q(a) q(b), as much as
/// the likelihood of each row given the others likes best.
class Pairs : public Density, public KnowsUsual {
 public:
  Pairs(const Schema& x, const PairsOptions& o)
      : o_(o),
        states_(register_module("states",
                                std::make_shared<CoarseColumns>(classes_of_columns(x), o.states))) {
    const auto columns = static_cast<int64_t>(classes_of_columns(x).size());
    const int64_t most = std::clamp<int64_t>(columns * (columns - 1) / 2, 1, o.pairs);
    share_ = register_buffer("share", torch::zeros({columns, o.states}));
    first_ = register_buffer("first", torch::zeros({most}, torch::kInt64));
    second_ = register_buffer("second", torch::zeros({most}, torch::kInt64));
    chosen_ = register_buffer("chosen", torch::zeros({}, torch::kInt64));
    count_ = register_buffer("count", torch::zeros({most, o.states, o.states}));
    rows_ = register_buffer("rows", torch::zeros({most}));
    drawn_ = register_buffer("drawn", torch::ones({most}));
    usual_ = register_buffer(
        "usual",
        torch::full({kReference}, std::numeric_limits<double>::quiet_NaN(), torch::kFloat64));
  }

  void see(const Dataset& training) override {
    torch::NoGradGuard no_gradient;
    constexpr int64_t kMostRows = 65536;
    const auto columns = drawn_columns(training, kMostRows);
    states_->fit(columns);
    const auto states = (*states_)(columns);
    learn_shares(states);
    choose_pairs(states);
    kernels::over_ranges(0, chosen_.item<int64_t>(), 1, [&](int64_t from, int64_t to) {
      for (int64_t k = from; k < to; ++k) learn_pair(states, k);
    });
    const int64_t judged = std::min(kReference, states.size(0));
    usual_.narrow(0, 0, judged).copy_(of(states.narrow(0, 0, judged), true));
  }

  Tensor surprise(const Batch& batch, bool seen) override {
    torch::NoGradGuard no_gradient;
    return of((*states_)(columns_of_rows(batch)), seen);
  }

  Tensor usual() const override {
    const auto known = usual_.masked_select(usual_.isnan().logical_not());
    return known.numel() > 0 ? known : Tensor();
  }

 private:
  static constexpr int64_t kReference = 1024;

  void learn_shares(const Tensor& states) {
    for (int64_t j = 0; j < states.size(1); ++j) {
      const auto column = states.select(1, j);
      const auto count =
          torch::bincount(column.masked_select(column >= 0), {}, o_.states).to(torch::kFloat64) +
          0.5;
      share_[j].copy_(count / count.sum());
    }
  }

  /// Those that tell most of each other, by some of the rows where columns are many; of very many
  /// columns some drawn by chance.
  void choose_pairs(const Tensor& states) {
    constexpr int64_t kMostColumns = 1024, kFewestRows = 512;
    constexpr double kWork = 5e8;
    auto at = permutation(states.size(1), Draw{}.key("pairs"));
    at.resize(std::min<size_t>(at.size(), kMostColumns));
    std::sort(at.begin(), at.end());
    struct Pair {
      int64_t first, second;
      double tells;
    };
    std::vector<Pair> pairs;
    for (size_t a = 0; a < at.size(); ++a) {
      for (size_t b = a + 1; b < at.size(); ++b) pairs.push_back({at[a], at[b], 0});
    }
    const auto most = static_cast<size_t>(first_.size(0));
    if (pairs.size() > most) {
      const auto affordable = static_cast<int64_t>(kWork / static_cast<double>(pairs.size()));
      const auto some =
          states.narrow(0, 0, std::min(states.size(0), std::max(kFewestRows, affordable)));
      kernels::over_ranges(
          0, static_cast<int64_t>(pairs.size()), 64, [&](int64_t from, int64_t to) {
            for (int64_t k = from; k < to; ++k) {
              auto& pair = pairs[static_cast<size_t>(k)];
              pair.tells =
                  information(pair_counts(some, pair.first, pair.second, o_.states), o_.states);
            }
          });
      std::stable_sort(pairs.begin(), pairs.end(),
                       [](const Pair& a, const Pair& b) { return a.tells > b.tells; });
      pairs.resize(most);
    }
    for (size_t k = 0; k < pairs.size(); ++k) {
      first_[static_cast<int64_t>(k)] = pairs[k].first;
      second_[static_cast<int64_t>(k)] = pairs[k].second;
    }
    chosen_.fill_(static_cast<int64_t>(pairs.size()));
  }

  void learn_pair(const Tensor& states, int64_t k) {
    constexpr double kLeast = 0.1, kMost = 1e6, kFactor = 2;
    const int64_t a = first_.data_ptr<int64_t>()[k], b = second_.data_ptr<int64_t>()[k];
    const auto count = pair_counts(states, a, b, o_.states);
    const double rows = std::accumulate(count.begin(), count.end(), 0.0);
    std::copy(count.begin(), count.end(), count_.data_ptr<float>() + k * o_.states * o_.states);
    rows_.data_ptr<float>()[k] = static_cast<float>(rows);
    double highest = -std::numeric_limits<double>::infinity();
    for (double drawn = kLeast; drawn <= kMost; drawn *= kFactor) {
      double sum = 0;
      for (size_t i = 0; i < count.size(); ++i) {
        if (count[i] == 0) continue;
        const auto width = static_cast<size_t>(o_.states);
        const double alone = shares(a)[i / width] * shares(b)[i % width];
        sum += count[i] * std::log((count[i] - 1 + drawn * alone) / (rows - 1 + drawn));
      }
      if (sum <= highest) continue;
      highest = sum;
      drawn_.data_ptr<float>()[k] = static_cast<float>(drawn);
    }
  }

  /// [B] log of the mean over pairs of known cells of q(a) q(b) / p(a, b); 0 where there are none.
  Tensor of(const Tensor& states, bool seen) const {
    auto out = torch::zeros({states.size(0)}, torch::kFloat64);
    const int64_t pairs = chosen_.item<int64_t>();
    kernels::over_ranges(0, states.size(0), 16, [&](int64_t from, int64_t to) {
      for (int64_t row = from; row < to; ++row) {
        const auto* state = states.data_ptr<int64_t>() + row * states.size(1);
        double sum = 0, known = 0;
        for (int64_t k = 0; k < pairs; ++k) {
          const int64_t a = first_.data_ptr<int64_t>()[k], b = second_.data_ptr<int64_t>()[k];
          if (state[a] < 0 || state[b] < 0) continue;
          sum += rarer(k, state[a], state[b], seen);
          ++known;
        }
        if (known > 0) out.data_ptr<double>()[row] = std::log(sum / known);
      }
    });
    return out;
  }

  /// q(a) q(b) / p(a, b); without one row of these states where that may be the judged one.
  double rarer(int64_t k, int64_t a, int64_t b, bool seen) const {
    const double alone =
        shares(first_.data_ptr<int64_t>()[k])[a] * shares(second_.data_ptr<int64_t>()[k])[b];
    double count = count_.data_ptr<float>()[(k * o_.states + a) * o_.states + b];
    double rows = rows_.data_ptr<float>()[k];
    if (seen && count > 0 && rows > 1) {
      --count;
      --rows;
    }
    const double drawn = drawn_.data_ptr<float>()[k];
    return alone * (rows + drawn) / (count + drawn * alone);
  }
  const float* shares(int64_t column) const {
    return share_.data_ptr<float>() + column * o_.states;
  }

  const PairsOptions o_;
  std::shared_ptr<CoarseColumns> states_;
  Tensor share_;                    // [D, states] q
  Tensor first_, second_, chosen_;  // [P] columns of the pairs, [] how many of them
  Tensor count_, rows_, drawn_;     // [P, states, states], [P], [P] rows that independence counts
  Tensor usual_;                    // [reference] of training rows by the others
};

const bool pairs_added = densities().add<PairsOptions>(
    "pairs", "Pairs of cells that go together more seldom than if their columns were independent",
    [](const Schema& x, const PairsOptions& o) { return std::make_shared<Pairs>(x, o); });

}  // namespace
}  // namespace elbo
