#include "elbo/model/codes.h"

#include <limits>

namespace elbo {
namespace {

const Site* find_site(const Trace& trace, const std::string& name) {
  for (const auto& site : trace.sites) {
    if (site.name == name) return &site;
  }
  return nullptr;
}

/// [B]: which of the S*B rows of a trace stands for each row of the batch.
Tensor likeliest_rows(const Trace& trace, int64_t rows) {
  const auto row = torch::arange(rows, torch::kInt64);
  if (trace.log_weight.size(0) == 1) return row;
  return trace.log_weight.argmax(0).to(torch::kCPU) * rows + row;
}

Tensor flat_rows(const Tensor& value, const Tensor& rows) {
  return value.index_select(0, rows.to(value.device()))
      .to(torch::kCPU, torch::kFloat32)
      .reshape({rows.size(0), -1});
}

/// Of draws: a constant is no class.
bool are_whole(const Tensor& draws) {
  if (!torch::isFloatingType(draws.scalar_type())) return true;
  if (draws.numel() == 0 || draws.eq(draws.flatten()[0]).all().item<bool>()) return false;
  return draws.eq(draws.round()).all().item<bool>();
}

}  // namespace

std::string place_name(const std::string& site, int64_t place) {
  const bool digit = !site.empty() && site.back() >= '0' && site.back() <= '9';
  return site + (digit ? "." : "") + std::to_string(place);
}

Tensor CodeLayout::whole() const {
  auto all = torch::zeros({size}, torch::kBool);
  for (const auto& part : parts) all.narrow(0, part.offset, part.size).fill_(part.whole);
  return all;
}

std::vector<std::string> CodeLayout::mean_names() const {
  std::vector<std::string> list;
  for (const auto& part : parts) {
    for (int64_t i = 0; i < part.size; ++i) list.push_back(place_name(part.site, i));
  }
  return list;
}

std::vector<std::string> CodeLayout::deviation_names() const {
  std::vector<std::string> list;
  for (const auto& part : parts) {
    const auto name = parts.size() == 1 ? "s" : "s_" + part.site;
    for (int64_t i = 0; i < part.size; ++i) list.push_back(place_name(name, i));
  }
  return list;
}

CodeLayout code_layout(Model& model, const Schemas& schemas) {
  torch::NoGradGuard no_gradient;
  RandomScope scope(0);
  constexpr int64_t kDraws = 16;  // all whole by chance alone: never
  const auto c = schemas.c.present() ? torch::zeros(with_rows(kDraws, schemas.c.shape)) : Tensor();
  CodeLayout layout;
  for (const auto& site : model.latent->generate(kDraws, c).sites) {
    CodeLayout::Part part{site.name, {}, site.value.scalar_type(), layout.size, 0};
    part.shape.assign(site.value.sizes().begin() + 1, site.value.sizes().end());
    part.size = numel(part.shape);
    part.whole = are_whole(site.value);
    layout.size += part.size;
    layout.parts.push_back(part);
  }
  return layout;
}

Codes encode_batch(Model& model, const CodeLayout& layout, const Batch& batch) {
  torch::NoGradGuard no_gradient;
  const auto trace = model.latent->infer({batch.x, batch.mask, batch.c, Tensor()}, 0);
  const auto rows = likeliest_rows(trace, batch.size());
  std::vector<Tensor> means, deviations;
  for (const auto& part : layout.parts) {
    const auto* site = find_site(trace, part.site);
    check(site, "[encode] the model draws ", part.site, " but does not infer it");
    means.push_back(flat_rows(site->value, rows));
    check(means.back().size(1) == part.size, "[encode] ", part.site, ": a row of these data has ",
          means.back().size(1), " values, the model draws ", part.size);
    const auto deviation = site->posterior ? site->posterior->stddev() : Tensor();
    deviations.push_back(
        deviation.defined() && deviation.sizes() == site->value.sizes()
            ? flat_rows(deviation, rows)
            : torch::full_like(means.back(), std::numeric_limits<float>::quiet_NaN()));
  }
  return {torch::cat(means, 1), torch::cat(deviations, 1)};
}

Codes encode_all(Model& model, const CodeLayout& layout, const Dataset& data, const Draw& draw) {
  std::vector<Tensor> means, deviations;
  for_each_batch(data, block_rows(data.schemas()), draw, [&](const Batch& batch, int64_t) {
    const auto codes = encode_batch(model, layout, batch);
    means.push_back(codes.mean);
    deviations.push_back(codes.deviation);
  });
  return {torch::cat(means), torch::cat(deviations)};
}

Values as_sites(const CodeLayout& layout, const Tensor& codes) {
  check(codes.dim() == 2 && codes.size(1) == layout.size, "[codes] found rows of ",
        codes.dim() > 1 ? codes.numel() / std::max<int64_t>(1, codes.size(0)) : 1,
        " values, the model's codes have ", layout.size);
  check(codes.isfinite().all().item<bool>(), "[codes] a value is missing or not finite");
  Values values;
  for (const auto& part : layout.parts) {
    auto value = codes.narrow(1, part.offset, part.size);
    if (part.whole) value = value.round();
    values[part.site] = value.to(part.type).reshape(with_rows(codes.size(0), part.shape));
  }
  return values;
}

Dist decode_codes(Model& model, const CodeLayout& layout, const Tensor& codes, const Tensor& c) {
  torch::NoGradGuard no_gradient;
  return model.generate(codes.size(0), c, as_sites(layout, codes)).x;
}

Tensor one_value(const Distribution& x, const Schema& schema) {
  return schema.kind == Kind::kTable ? x.typical() : x.mean();
}

int64_t block_rows(const Schemas& schemas) {
  // A row is held about a hundred times over by the layers of a convolutional decoder.
  constexpr int64_t kFloats = int64_t{1} << 26;
  return std::clamp<int64_t>(kFloats / (100 * numel(schemas.x.shape)), 1, 512);
}

}  // namespace elbo
