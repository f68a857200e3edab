#include "elbo/coding/exact_rows.h"

#include "elbo/coding/class_sums.h"
#include "elbo/coding/column_symbols.h"
#include "elbo/exact/math.h"

namespace elbo {
namespace {

// Of what a model holds for impossible, so that no sum is 0.
constexpr double kHardlyEver = 1e-12;

/// p(symbol | class) of one column.
struct SymbolsOfClasses {
  ColumnSymbols symbols;
  size_t count;
  std::vector<double> p;  // [H, count]

  /// [count] by the classes' probabilities.
  void mix(const double* classes, size_t h, std::vector<double>& sums) const {
    sums.assign(count, 0.0);
    for (size_t i = 0; i < h; ++i) {
      const double w = classes[i];
      const double* row = p.data() + i * count;
      for (size_t k = 0; k < count; ++k) sums[k] += w * row[k];
    }
  }
  void of_symbol(size_t symbol, size_t h, std::vector<double>& likelihood) const {
    likelihood.resize(h);
    for (size_t i = 0; i < h; ++i) likelihood[i] = p[i * count + symbol];
  }
};

/// `logits` [H, V] of one column, `missing` [H] log odds or undefined.
SymbolsOfClasses symbols_of_classes(ColumnSymbols symbols, const Tensor& logits, double rest,
                                    const Tensor& missing) {
  const auto states = torch::tensor(symbols.states());
  const auto used = logits.index_select(1, states).to(torch::kCPU, torch::kFloat32).contiguous();
  const auto n = static_cast<size_t>(states.numel());
  SymbolsOfClasses all{std::move(symbols), n + 2, {}};
  for (int64_t h = 0; h < logits.size(0); ++h) {
    const double gone =
        missing.defined()
            ? std::max(exact::sigmoid(static_cast<double>(missing[h].item<float>())), kHardlyEver)
            : kHardlyEver;
    if (n > 0) {
      const auto p = exact_softmax(used.data_ptr<float>() + static_cast<size_t>(h) * n, n);
      for (const double one : p) all.p.push_back((1 - gone) * (1 - rest) * one);
    }
    all.p.push_back((1 - gone) * std::max(rest, kHardlyEver));
    all.p.push_back(gone);
  }
  return all;
}

class ExactRows : public RowCode {
 public:
  ExactRows(ClassSums sums, std::vector<SymbolsOfClasses> columns)
      : sums_(std::move(sums)), columns_(std::move(columns)) {}

  std::vector<uint32_t> encode(const Batch& rows) override {
    const auto d = static_cast<int64_t>(columns_.size());
    check(rows.x.dim() == 2 && rows.x.size(1) == d, "[coding] rows: found shape ",
          to_string(rows.x.sizes().vec()), ", expected ", d, " columns");
    const auto x = rows.x.to(torch::kCPU, torch::kFloat32).contiguous();
    const bool masked = rows.mask.defined();
    const auto known =
        masked ? rows.mask.to(torch::kCPU).ne(0).contiguous() : torch::ones({0}, torch::kBool);
    SymbolWriter out;
    out.put_bits(masked, 1);
    std::vector<bool> here(columns_.size(), true);
    for (size_t j = 0; masked && j < columns_.size(); ++j) {
      here[j] = known.select(1, static_cast<int64_t>(j)).any().item<bool>();
      out.put_bits(here[j], 1);
    }
    const auto* values = x.data_ptr<float>();
    const auto* cells = masked ? known.data_ptr<bool>() : nullptr;
    for (int64_t r = 0; r < x.size(0); ++r, values += d) {
      const auto* is_known = masked ? cells + r * d : nullptr;
      along(here, [&](size_t j) {
        const auto& own = columns_[j];
        const bool gone = is_known && !is_known[j];
        const size_t symbol = gone ? own.symbols.missing() : own.symbols.symbol(values[j]);
        out.put(symbol, ends_);
        if (!gone) own.symbols.put_rest(symbol, values[j], out);
        return symbol;
      });
    }
    return out.words();
  }

  Batch decode(std::vector<uint32_t> words, int64_t rows) override {
    const auto d = static_cast<int64_t>(columns_.size());
    SymbolReader in(std::move(words));
    const bool masked = in.take_bits(1) == 1;
    std::vector<bool> here(columns_.size(), true);
    for (size_t j = 0; masked && j < columns_.size(); ++j) here[j] = in.take_bits(1) == 1;
    Batch batch;
    batch.x = torch::zeros({rows, d});
    auto known = masked ? torch::zeros({rows, d}) : Tensor();
    auto* values = batch.x.data_ptr<float>();
    auto* cells = masked ? known.data_ptr<float>() : nullptr;
    for (int64_t r = 0; r < rows; ++r, values += d) {
      along(here, [&](size_t j) {
        const auto& own = columns_[j];
        const size_t symbol = in.take(ends_);
        const bool gone = symbol == own.symbols.missing();
        if (!gone) values[j] = own.symbols.take_rest(symbol, in);
        if (masked && !gone) cells[r * d + static_cast<int64_t>(j)] = 1;
        return symbol;
      });
    }
    check(in.spent(), "[coding] rows: the bits are not those of ", rows, " rows of this model");
    batch.mask = known;
    return batch;
  }

 private:
  /// One row: code(column) -> symbol, its frequencies in ends_.
  template <class Code>
  void along(const std::vector<bool>& here, const Code& code) {
    sums_.begin();
    const size_t h = sums_.classes();
    for (size_t i = 0; i < sums_.order().size(); ++i) {
      const double* classes = sums_.expected(i);
      const size_t j = sums_.order()[i];
      if (!here[j]) continue;
      columns_[j].mix(classes, h, weights_);
      frequencies(weights_.data(), weights_.size(), ends_);
      columns_[j].of_symbol(code(j), h, likelihood_);
      sums_.know(i, likelihood_.data());
    }
  }

  ClassSums sums_;
  std::vector<SymbolsOfClasses> columns_;
  std::vector<double> weights_, likelihood_;
  std::vector<uint32_t> ends_;
};

}  // namespace

std::unique_ptr<RowCode> exact_row_code(const std::shared_ptr<Model>& model,
                                        const Schemas& schemas) {
  const auto* latent = dynamic_cast<const CodesColumns*>(model->latent.get());
  if (latent == nullptr || schemas.x.kind != Kind::kTable) return nullptr;
  torch::NoGradGuard no_gradient;
  const auto classes = latent->column_classes();
  const int64_t d = static_cast<int64_t>(classes.parent.size()), h = classes.root.numel();
  // Products with ones and zeros are exact in any order.
  const auto each = torch::eye(h).unsqueeze(1).expand({-1, d, -1}).contiguous();
  const auto dist = model->decode(each);
  const auto* states = dynamic_cast<const States*>(dist.get());
  const auto written = columns_of(schemas.x);
  if (states == nullptr || static_cast<int64_t>(written.size()) != d) return nullptr;
  const auto rest = states->space->rest_share();
  std::vector<SymbolsOfClasses> columns;
  for (int64_t j = 0; j < d; ++j) {
    columns.push_back(
        symbols_of_classes(ColumnSymbols(*states->space, j, written[static_cast<size_t>(j)]),
                           states->logits.select(1, j), static_cast<double>(rest[j].item<float>()),
                           classes.missing.defined() ? classes.missing[j] : Tensor()));
  }
  return std::make_unique<ExactRows>(ClassSums(classes), std::move(columns));
}

}  // namespace elbo
