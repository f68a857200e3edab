#include <cstring>

#include "elbo/capi/array_view.h"
#include "elbo/capi/given_data.h"
#include "elbo/capi/guard.h"
#include "elbo/tasks/rows.h"

namespace elbo::capi {
namespace {

struct SeedOption {
  int64_t seed = 0;
  template <class F>
  void fields(F&& f) {
    f("seed", seed, "seed of the binarization", at_least(0));
  }
};

struct DecodeWish {
  std::string value = "mean", show, condition;
  int64_t seed = 0;
  template <class F>
  void fields(F&& f) {
    f("value", value, "value of cells: the mean of p(x|z) or a draw from it",
      one_of({"mean", "draw"}));
    f("show", show, "old name of value", one_of({"mean", "draw"}));
    f("condition", condition, "condition: a class, numbers or a file");
    f("seed", seed, "seed of the draws", at_least(0));
  }
};

/// Numbers that would spread through a whole batch unseen.
void check_rows_finite(const Schema& schema, const Batch& batch, int64_t first) {
  if (schema.kind != Kind::kReal || batch.mask.defined()) return;
  const auto sum = batch.x.sum();  // not finite where a number is not, and cheap
  if (std::isfinite(sum.item<double>())) return;
  const auto bad = batch.x.flatten(1).isfinite().logical_not().nonzero();
  if (bad.size(0) == 0) return;
  fail("[encode] row ", first + bad[0][0].item<int64_t>(), ", column ", bad[0][1].item<int64_t>(),
       " is not finite (NaN or infinity)");
}

/// f(batch, codes, first row) for all rows in blocks.
void over_codes(elbo_run& run, const elbo_data& data, const char* options, Calls& calls,
                const std::function<void(const Batch&, const Codes&, int64_t)>& f) {
  const auto seed = read_options<SeedOption>(options_from(options, "encode"), "encode").seed;
  auto& model = model_of(run);
  const auto rows = open_for(run, data);
  const auto& schemas = run.run->schemas();
  const RandomScope scope(static_cast<uint64_t>(seed));
  const Draw draw{static_cast<uint64_t>(seed), 0};
  const auto n = static_cast<double>(rows->size());
  const auto progress = calls.progress();
  for_each_batch(*rows, block_rows(schemas), draw, [&](const Batch& batch, int64_t first) {
    check_rows_finite(schemas.x, batch, first);
    f(batch, encode_batch(model, run.layout, batch), first);
    progress(static_cast<double>(first + batch.size()) / n);
  });
}

void put(float* out, int64_t first, const Tensor& rows) {
  const auto plain = rows.detach().to(torch::kFloat32).contiguous();
  const auto width = plain.numel() / plain.size(0);
  std::memcpy(out + first * width, plain.data_ptr<float>(), plain.nbytes());
}

void decode_all(elbo_run& run, const Tensor& codes, const DecodeWish& wish, Calls& calls,
                float* out) {
  torch::NoGradGuard no_gradient;
  auto& model = model_of(run);
  const RandomScope scope(static_cast<uint64_t>(wish.seed));
  const int64_t n = codes.size(0), block = block_rows(run.run->schemas());
  TaskInput input;
  input.run = run.run;
  input.model = run.model;
  const auto c = conditions(input, wish.condition, n);
  const auto progress = calls.progress();
  for (int64_t from = 0; from < n; from += block) {
    const int64_t count = std::min(block, n - from);
    const auto p = decode_codes(model, run.layout, codes.narrow(0, from, count),
                                c.defined() ? c.narrow(0, from, count) : c);
    put(out, from,
        (wish.show.empty() ? wish.value : wish.show) == "mean" ? p->mean() : p->sample());
    progress(static_cast<double>(from + count) / static_cast<double>(n));
  }
}

}  // namespace
}  // namespace elbo::capi

using namespace elbo::capi;

elbo_status elbo_encode(elbo_run* run, const elbo_data* data, const char* options, float* means,
                        float* deviations, const elbo_callbacks* callbacks) {
  return computing([&] {
    check_given(run, "elbo_encode", "run");
    check_given(data, "elbo_encode", "data");
    check_given(means, "elbo_encode", "means");
    Calls calls(callbacks);
    over_codes(*run, *data, options, calls,
               [&](const elbo::Batch&, const elbo::Codes& codes, int64_t first) {
                 put(means, first, codes.mean);
                 if (deviations) put(deviations, first, codes.deviation);
               });
  });
}

elbo_status elbo_reconstruct(elbo_run* run, const elbo_data* data, const char* options, float* rows,
                             const elbo_callbacks* callbacks) {
  return computing([&] {
    check_given(run, "elbo_reconstruct", "run");
    check_given(data, "elbo_reconstruct", "data");
    check_given(rows, "elbo_reconstruct", "rows");
    Calls calls(callbacks);
    torch::NoGradGuard no_gradient;
    over_codes(*run, *data, options, calls,
               [&](const elbo::Batch& batch, const elbo::Codes& codes, int64_t first) {
                 const auto p = decode_codes(*run->model, run->layout, codes.mean, batch.c);
                 put(rows, first, p->mean());
               });
  });
}

elbo_status elbo_decode(elbo_run* run, const elbo_array* codes, const char* options, float* rows,
                        const elbo_callbacks* callbacks) {
  return computing([&] {
    check_given(run, "elbo_decode", "run");
    check_given(codes, "elbo_decode", "codes");
    check_given(rows, "elbo_decode", "rows");
    const auto wish =
        elbo::read_options<DecodeWish>(options_from(options, "elbo_decode"), "decode");
    model_of(*run);
    Calls calls(callbacks);
    decode_all(*run, matrix_over(*codes, run->layout.size, "codes"), wish, calls, rows);
  });
}
