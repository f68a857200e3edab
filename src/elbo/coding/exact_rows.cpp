#include "elbo/coding/exact_rows.h"

#include "elbo/coding/class_sums.h"
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

SymbolsOfClasses symbols_of_classes(const ClassModel::PerColumn& of, size_t classes) {
  const size_t n = of.symbols.states().size();
  const double beyond = static_cast<double>(of.beyond);
  SymbolsOfClasses all{of.symbols, n + 2, {}};
  for (size_t h = 0; h < classes; ++h) {
    double gone = kHardlyEver;
    if (!of.missing.empty()) {
      gone = std::clamp(exact::sigmoid(static_cast<double>(of.missing[h])), kHardlyEver,
                        1 - kHardlyEver);
    }
    if (n > 0) {
      for (const double p : exact_softmax(of.logits.data() + h * n, n)) {
        all.p.push_back((1 - gone) * (1 - beyond) * p);
      }
    }
    all.p.push_back((1 - gone) * std::max(beyond, kHardlyEver));
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

std::unique_ptr<RowCode> exact_row_code(const ClassModel& model) {
  std::vector<SymbolsOfClasses> columns;
  for (const auto& c : model.columns) columns.push_back(symbols_of_classes(c, model.classes()));
  return std::make_unique<ExactRows>(ClassSums(model), std::move(columns));
}

std::unique_ptr<RowCode> exact_row_code(const std::shared_ptr<Model>& model,
                                        const Schemas& schemas) {
  const auto of = class_model(model, schemas);
  return of ? exact_row_code(*of) : nullptr;
}

}  // namespace elbo
