#include "elbo/heads/token_rules.h"

#include <string_view>
#include <unordered_map>

#include "elbo/kernels/parallel.h"

namespace elbo {
namespace {

/// Nats. A sure model puts tens of them between tokens.
constexpr float kAgainstRules = -100;

void put_offsets(const Writing& row, int64_t room, float* to) {
  const auto allowed = row.allowed(room);
  for (size_t i = 0; i < allowed.size(); ++i) to[i] = allowed[i] ? 0 : kAgainstRules;
}

}  // namespace

TokenRules::TokenRules(const Grammar* grammar, int64_t rows) {
  for (int64_t i = 0; grammar && i < rows; ++i) rows_.push_back(grammar->begin());
}

Tensor TokenRules::ruled(const Tensor& logits, int64_t room) const {
  if (rows_.empty()) return logits;
  auto offsets = torch::empty(logits.sizes(), torch::kFloat32);
  auto* to = offsets.data_ptr<float>();
  kernels::over_ranges(0, logits.size(0), 8, [&](int64_t from, int64_t end) {
    for (int64_t i = from; i < end; ++i) put_offsets(*rows_[i], room, to + i * logits.size(1));
  });
  return logits + offsets.to(logits.device());
}

void TokenRules::write(const Tensor& tokens) {
  if (rows_.empty()) return;
  const auto ids = tokens.to(torch::kCPU).contiguous();
  for (size_t i = 0; i < rows_.size(); ++i) rows_[i]->write(ids.data_ptr<int64_t>()[i]);
}

void TokenRules::keep(const Tensor& rows) {
  if (rows_.empty()) return;
  const auto from = rows.to(torch::kCPU).contiguous();
  std::vector<std::unique_ptr<Writing>> kept;
  for (int64_t i = 0; i < from.numel(); ++i) {
    kept.push_back(rows_[static_cast<size_t>(from.data_ptr<int64_t>()[i])]->copy());
  }
  rows_ = std::move(kept);
}

Tensor rule_offsets(const Grammar& grammar, const Tensor& ids, const Tensor& lengths, int64_t most,
                    int64_t vocabulary) {
  const auto rows = ids.to(torch::kCPU).contiguous();
  const auto ends = lengths.to(torch::kCPU).contiguous();
  const int64_t n = rows.size(0), steps = rows.size(1);
  // The same row often stands there for several codes.
  std::unordered_map<std::string_view, int64_t> known;
  std::vector<int64_t> place, first;
  for (int64_t i = 0; i < n; ++i) {
    const auto* bytes = reinterpret_cast<const char*>(rows.data_ptr<int64_t>() + i * steps);
    const std::string_view row(bytes, static_cast<size_t>(steps) * sizeof(int64_t));
    const auto [at, added] = known.emplace(row, static_cast<int64_t>(first.size()));
    if (added) first.push_back(i);
    place.push_back(at->second);
  }
  const auto count = static_cast<int64_t>(first.size());
  auto offsets = torch::zeros({count, steps, vocabulary}, torch::kFloat32);
  kernels::over_ranges(0, count, 1, [&](int64_t from, int64_t end) {
    for (int64_t i = from; i < end; ++i) {
      const auto* row = rows.data_ptr<int64_t>() + first[i] * steps;
      auto* to = offsets.data_ptr<float>() + i * steps * vocabulary;
      const auto writing = grammar.begin();
      for (int64_t t = 0; t < ends.data_ptr<int64_t>()[first[i]]; ++t) {
        put_offsets(*writing, most - 1 - t, to + t * vocabulary);
        writing->write(row[t]);
      }
    }
  });
  if (count < n) offsets = offsets.index_select(0, torch::tensor(place));
  return offsets.to(ids.device());
}

}  // namespace elbo
