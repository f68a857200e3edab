#include <algorithm>
#include <cmath>
#include <limits>

#include "elbo/capi/given_data.h"
#include "elbo/capi/guard.h"
#include "elbo/data/column.h"
#include "elbo/eval/completion_check.h"

namespace elbo::capi {
namespace {

struct ImputeWish {
  int64_t m = 1, draws = 100, seed = 0;
  double interval = 0;
  template <class F>
  void fields(F&& f) {
    f("m", m, "number of completions", between(1, 1000));
    f("draws", draws, "draws of the latent variables per row", between(1, 100000));
    f("interval", interval, "mass of prediction intervals", between(0, 0.999));
    f("seed", seed, "seed of the draws", at_least(0));
  }
};

/// Where what the model says about missing cells goes; null = nowhere.
struct Filled {
  float *values, *draws, *low, *high;
  int64_t rows, columns;
};

void put_rows(const Tensor& found, const Tensor& absent, const std::vector<int64_t>& at, float* out,
              int64_t columns) {
  if (!out || !found.defined()) return;
  const auto plain = found.to(torch::kFloat32).contiguous();
  const auto mask = absent.to(torch::kBool).contiguous();
  for (size_t k = 0; k < at.size(); ++k) {
    const auto row = static_cast<int64_t>(k) * columns;
    for (int64_t i = 0; i < columns; ++i) {
      if (!mask.data_ptr<bool>()[row + i]) continue;
      out[at[k] * columns + i] = plain.data_ptr<float>()[row + i];
    }
  }
}

/// By the blocks of elbo impute, so that the draws are the same.
void impute_all(elbo_run& run, const Dataset& data, const ImputeWish& wish, Calls& calls,
                const Filled& out) {
  const auto plan = completion_plan(run.run->kept().get(), wish.draws, wish.m, wish.interval);
  const auto columns = columns_of(run.run->schemas().x);
  const auto progress = calls.progress();
  std::vector<int64_t> at;
  std::vector<Tensor> x, masks;
  const auto finish = [&] {
    if (at.empty()) return;
    Batch batch;
    batch.x = torch::cat(x);
    batch.mask = torch::cat(masks);
    const auto found = complete(*run.model, batch, columns, plan);
    const auto absent = batch.mask == 0;
    put_rows(found.value, absent, at, out.values, out.columns);
    put_rows(found.low, absent, at, out.low, out.columns);
    put_rows(found.high, absent, at, out.high, out.columns);
    for (int64_t k = 0; out.draws && found.draws.defined() && k < wish.m; ++k) {
      put_rows(found.draws[k], absent, at, out.draws + k * out.rows * out.columns, out.columns);
    }
    at.clear();
    x.clear();
    masks.clear();
  };
  int64_t in_block = 0;
  for (int64_t r = 0; r < data.size(); ++r) {
    const auto row = data.get(torch::full({1}, r, torch::kInt64));
    ++in_block;
    if (row.mask.defined() && (row.mask == 0).any().item<bool>()) {
      at.push_back(r);
      x.push_back(row.x.masked_fill(row.mask == 0, 0));
      masks.push_back(row.mask);
    }
    if (!ends_block(in_block, static_cast<int64_t>(at.size()), plan)) continue;
    finish();
    in_block = 0;
    progress(static_cast<double>(r + 1) / static_cast<double>(data.size()));
  }
  finish();
}

}  // namespace
}  // namespace elbo::capi

using namespace elbo::capi;

elbo_status elbo_impute(elbo_run* run, const elbo_data* data, const char* options, float* values,
                        float* draws, float* low, float* high, const elbo_callbacks* callbacks) {
  return computing([&] {
    check_given(run, "elbo_impute", "run");
    check_given(data, "elbo_impute", "data");
    check_given(values, "elbo_impute", "values");
    const auto wish =
        elbo::read_options<ImputeWish>(options_from(options, "elbo_impute"), "impute");
    const auto& x = run->run->schemas().x;
    elbo::check(x.kind == elbo::Kind::kTable, "[impute] the model was trained on ", x.kind,
                " data; cells are filled in tables");
    model_of(*run);
    const auto rows = open_for(*run, *data);
    const elbo::RandomScope scope(static_cast<uint64_t>(wish.seed));
    const Filled out{values, draws, low, high, rows->size(), elbo::numel(x.shape)};
    const auto cells = static_cast<size_t>(out.rows * out.columns);
    const float nothing = std::numeric_limits<float>::quiet_NaN();
    std::fill_n(values, cells, nothing);
    if (draws) std::fill_n(draws, cells * static_cast<size_t>(wish.m), nothing);
    for (float* end : {low, high}) {
      if (end) std::fill_n(end, cells, nothing);
    }
    Calls calls(callbacks);
    impute_all(*run, *rows, wish, calls, out);
  });
}
