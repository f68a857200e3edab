#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "elbo/coding/exact_rows.h"
#include "elbo/coding/grid.h"
#include "elbo/coding/row_code.h"
#include "elbo/core/error.h"
#include "elbo/core/random.h"
#include "elbo/exact/arithmetic.h"
#include "elbo/model/site_values.h"

namespace elbo {
namespace {

constexpr int64_t kMostAtOnce = 64;  // rows; a part of the format
constexpr int64_t kTriedRows = 4, kMostPrice = 1 << 20;

Shape rows_shape(const Tensor& mean, int64_t n) {
  auto shape = mean.sizes().vec();
  shape[0] = n;
  return shape;
}

/// What latent variables of some rows are, by site: cells of a grid, or numbers that follow from x
/// alone.
struct SiteCells {
  int64_t first;  // the place of the first row
  std::map<std::string, Tensor> cells = {}, fixed = {};

  uint64_t key(const std::string& site) const {
    return Draw{static_cast<uint64_t>(first), 0}.key(site);
  }
};

/// Encoding, first: cells come off the stack by q.
class PoppedSites : public SiteValues {
 public:
  PoppedSites(AnsStack& stack, SiteCells& into) : stack_(stack), into_(into) {}
  Tensor inferred(const std::string& site, const Dist& q, const Dist& p) override {
    const NormalGrid grid(site, p, rows_shape(q->mean(), q->mean().size(0)));
    auto cells = grid.pop(*q, into_.key(site), stack_);
    auto z = grid.values(cells);
    into_.cells[site] = std::move(cells);
    return z;
  }

 private:
  AnsStack& stack_;
  SiteCells& into_;
};

/// Decoding, last: the same cells under q, to be put back.
class ReturnedSites : public SiteValues {
 public:
  explicit ReturnedSites(const SiteCells& of) : of_(of) {}
  Tensor inferred(const std::string& site, const Dist& q, const Dist& p) override {
    const auto& cells = of_.cells.at(site);
    const NormalGrid grid(site, p, cells.sizes().vec());
    for (const auto& symbol : grid.intervals(*q, of_.key(site), cells)) symbols.push_back(symbol);
    return grid.values(cells);
  }
  std::vector<Interval> symbols;

 private:
  const SiteCells& of_;
};

/// Encoding, second: known cells, and how to put them on the stack.
class PlacedSites : public SiteValues {
 public:
  explicit PlacedSites(const SiteCells& of) : of_(of) {}
  Tensor generated(const std::string& site, const Dist& p, int64_t n, bool) override {
    const auto cells = of_.cells.find(site);
    if (cells != of_.cells.end()) {
      pushes_.push_back([c = cells->second](AnsStack& to) { NormalGrid::push(to, c); });
      return NormalGrid(site, p, cells->second.sizes().vec()).values(cells->second);
    }
    const auto fixed = of_.fixed.find(site);
    check(fixed != of_.fixed.end(), "[compress] ", site, ": x does not tell its value");
    pushes_.push_back(
        [s = symbols_of(p, n)->intervals(fixed->second)](AnsStack& to) { push_all(to, s); });
    return fixed->second;
  }
  /// So that the site generated first is read first.
  void push(AnsStack& to) const {
    for (auto f = pushes_.rbegin(); f != pushes_.rend(); ++f) (*f)(to);
  }

 private:
  const SiteCells& of_;
  std::vector<std::function<void(AnsStack&)>> pushes_;
};

/// Decoding, first: what the stack says under p.
class ReadSites : public SiteValues {
 public:
  ReadSites(AnsStack& stack, SiteCells& into) : stack_(stack), into_(into) {}
  Tensor generated(const std::string& site, const Dist& p, int64_t n, bool conditional) override {
    auto shape = p->mean().sizes().vec();
    if (conditional || shape.empty()) {
      shape = rows_shape(p->mean(), n);
    } else {
      shape.insert(shape.begin(), n);
    }
    if (!NormalGrid::suits(*p)) return symbols_of(p, n)->read(stack_);
    const NormalGrid grid(site, p, shape);
    auto cells = grid.read(stack_);
    auto z = grid.values(cells);
    into_.cells[site] = std::move(cells);
    return z;
  }

 private:
  AnsStack& stack_;
  SiteCells& into_;
};

/// Bits back: the latent variables of rows are read off the bits of the rows before them.
class BitsBack : public RowCode {
 public:
  explicit BitsBack(std::shared_ptr<Model> model) : model_(std::move(model)) {
    for (const auto& p : model_->parameters()) weights_.push_back(p);
    for (const auto& b : model_->buffers()) weights_.push_back(b);
  }

  std::vector<uint32_t> encode(const Batch& rows) override {
    const ExactArithmetic scope(weights_);
    const int64_t price = price_of(slice(rows, 0, std::min(kTriedRows, rows.size())));
    AnsStack stack;
    for (int64_t first = 0; first < rows.size();) {
      const int64_t n = std::min(at_once(first, price), rows.size() - first);
      push(stack, slice(rows, first, first + n), first);
      first += n;
    }
    auto words = stack.words();
    words.push_back(static_cast<uint32_t>(price));
    return words;
  }

  Batch decode(std::vector<uint32_t> words, int64_t rows) override {
    const ExactArithmetic scope(weights_);
    check(!words.empty() && words.back() > 0 && words.back() <= kMostPrice,
          "[decompress] bits: they are not those of rows of this model");
    const int64_t price = words.back();
    words.pop_back();
    AnsStack stack(std::move(words));
    std::vector<int64_t> ends{0};
    while (ends.back() < rows)
      ends.push_back(std::min(ends.back() + at_once(ends.back(), price), rows));
    std::vector<Tensor> x;
    for (size_t i = ends.size() - 1; i > 0; --i) x.push_back(pop(stack, ends[i - 1], ends[i]));
    check(stack.spent(), "[decompress] bits: they are not those of rows of this model");
    std::reverse(x.begin(), x.end());
    Batch batch;
    batch.x = torch::cat(x);
    return batch;
  }

 private:
  /// One row, whose latent variables are read off nothing; then as many as the bits so far should
  /// pay, for what they lack is lost. `price`: how many rows pay for the latent variables of one.
  static int64_t at_once(int64_t first, int64_t price) {
    int64_t n = 1;
    while (2 * n * price <= first && 2 * n <= kMostAtOnce) n *= 2;
    return n;
  }

  int64_t price_of(const Batch& rows) const {
    AnsStack stack;
    double taken = 0;
    const double start = stack.information();
    for (int64_t i = 0; i < rows.size(); ++i) taken += push(stack, slice(rows, i, i + 1), i);
    const double left = stack.information() - start;
    const double price = left > 0 ? std::ceil(taken / left) + 1 : static_cast<double>(kMostPrice);
    return static_cast<int64_t>(std::clamp(price, 1.0, static_cast<double>(kMostPrice)));
  }

  /// Returns the bits that the latent variables were read off.
  double push(AnsStack& stack, const Batch& rows, int64_t first) const {
    check(!rows.mask.defined() || rows.mask.all().item<bool>(),
          "[compress] missing values: this model cannot write them");
    SiteCells sites{first};
    const double before = stack.information();
    {
      const PoppedSites popped(stack, sites);
      for (const auto& site : model_->latent->infer(rows, 1).sites) {
        if (sites.cells.count(site.name) == 0) sites.fixed[site.name] = site.value;
      }
    }
    const double taken = before - stack.information();
    PlacedSites placed(sites);
    const auto p = model_->generate(rows.size()).x;
    push_all(stack, symbols_of(p, rows.size())->intervals(rows.x));
    placed.push(stack);
    return taken;
  }

  Tensor pop(AnsStack& stack, int64_t first, int64_t end) const {
    const int64_t n = end - first;
    SiteCells sites{first};
    Batch rows;
    {
      ReadSites read(stack, sites);
      const auto p = model_->generate(n).x;
      rows.x = symbols_of(p, n)->read(stack);
    }
    if (sites.cells.empty()) return rows.x;
    ReturnedSites returned(sites);
    model_->latent->infer(rows, 1);
    push_all(stack, returned.symbols);
    return rows.x;
  }

  std::shared_ptr<Model> model_;
  std::vector<Tensor> weights_;
};

}  // namespace

std::unique_ptr<RowCode> row_code(const std::shared_ptr<Model>& model, const Schemas& schemas) {
  if (auto exact = exact_row_code(model, schemas)) return exact;
  check(!schemas.c.present(), "[compress] condition: models with one cannot compress yet");
  check(is_discrete(schemas.x.kind), "[compress] data: found ", schemas.x.kind,
        ", a model of such numbers gives densities, no probabilities; what can be compressed: "
        "pictures of bits or bytes, classes, and tables by --model hidden_tree");
  return std::make_unique<BitsBack>(model);
}

}  // namespace elbo
