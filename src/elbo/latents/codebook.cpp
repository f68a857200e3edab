#include "elbo/group/group.h"
#include "elbo/group/row_draws.h"
#include "elbo/latents/quantizer.h"
#include "elbo/nn/dense.h"

namespace elbo {
namespace {

/// K codes of one stage, moved by the gradient or by moving averages of what they stand for.
class Codebook : public torch::nn::Module {
 public:
  explicit Codebook(const CodebookOptions& o) : o_(o), ema_(o.update == "ema") {
    const auto codes = torch::randn({o.codes, o.size});
    codes_ = ema_ ? register_buffer("codes", codes) : register_parameter("codes", codes);
    seeded_ = register_buffer("seeded", torch::zeros({1}));
    if (ema_) {
      count_ = register_buffer("count", torch::ones({o.codes}));
      sum_ = register_buffer("sum", codes.clone());
    }
    usage_ = register_module("usage", std::make_shared<CodeUsage>(o.codes, o.window));
  }

  /// z: [N, size] -> the codes' numbers [N], the codes [N, size], their cost [N].
  std::tuple<Tensor, Tensor, Tensor> forward(const Tensor& z) {
    if (is_training()) seed(z.detach());
    const auto nearest = find(z);
    const auto codes = lookup(nearest);
    auto cost = o_.commitment * (z - codes.detach()).square().sum(1);
    if (!ema_) cost = cost + (z.detach() - codes).square().sum(1);
    usage_->add(nearest);
    if (ema_ && is_training()) average(z.detach(), nearest);
    return {nearest, codes, cost};
  }

  Tensor lookup(const Tensor& indices) const {
    // The gather of a buffer is a copy: the moving average may go on while a graph holds it.
    return codes_.index_select(0, indices);
  }
  Json usage() const { return usage_->summary(); }
  void reset_use() { usage_->reset(); }

 private:
  /// argmin ‖z - e‖² = argmax z·e - ‖e‖²/2
  Tensor find(const Tensor& z) const {
    torch::NoGradGuard no_gradient;
    return dense(z.detach(), codes_.detach(), -0.5 * codes_.detach().square().sum(1)).argmax(1);
  }

  /// The first batch places all codes, and each window's end those that nothing used.
  void seed(const Tensor& z) {
    torch::NoGradGuard no_gradient;
    if (seeded_.item<double>() == 0) {
      place(torch::arange(o_.codes, z.device()), z);
      seeded_.fill_(1);
      return;
    }
    const auto dead = usage_->take_dead();
    if (dead.defined() && dead.numel() > 0) place(dead, z);
  }

  void place(const Tensor& which, const Tensor& own) {
    const auto z = rows_of_group(own);
    const WholeDraws draws;
    const int64_t n = which.numel();
    const auto rows = n <= z.size(0) ? torch::randperm(z.size(0), which.options()).narrow(0, 0, n)
                                     : torch::randint(z.size(0), {n}, which.options());
    auto at = z.index_select(0, rows);
    // Two codes at one place would never part.
    if (n > z.size(0)) at = at + 0.01 * z.std(0, false) * torch::randn_like(at);
    codes_.detach().index_copy_(0, which, at);
    if (!ema_) return;
    count_.index_fill_(0, which, 1);
    sum_.index_copy_(0, which, at);
  }

  /// N_k <- decay N_k + (1 - decay) n_k, the same for the sums; e_k = sum_k / N_k. A code that
  /// nothing used keeps its place.
  void average(const Tensor& z, const Tensor& nearest) {
    torch::NoGradGuard no_gradient;
    constexpr double kFewest = 1e-5;
    const auto n = sum_over_group(
        torch::zeros_like(count_).index_add_(0, nearest, torch::ones_like(z.select(1, 0))));
    const auto total = sum_over_group(torch::zeros_like(sum_).index_add_(0, nearest, z));
    count_.mul_(o_.decay).add_(n, 1 - o_.decay);
    sum_.mul_(o_.decay).add_(total, 1 - o_.decay);
    const auto used = (count_ > kFewest).unsqueeze(1);
    codes_.copy_(torch::where(used, sum_ / count_.clamp_min(kFewest).unsqueeze(1), codes_));
  }

  const CodebookOptions o_;
  const bool ema_;
  Tensor codes_;        // [K, size]
  Tensor seeded_;       // [1]
  Tensor count_, sum_;  // [K], [K, size]
  std::shared_ptr<CodeUsage> usage_;
};

class Codebooks : public Quantizer {
 public:
  explicit Codebooks(const CodebookOptions& o) : o_(o) {
    for (int64_t i = 0; i < o.stages; ++i) {
      books_.push_back(register_module("stage" + std::to_string(i), std::make_shared<Codebook>(o)));
    }
  }

  Quantized forward(const Tensor& z) override {
    std::vector<Tensor> indices;
    Tensor rest = z, sum, cost;
    for (const auto& book : books_) {
      const auto [nearest, codes, own] = book->forward(rest);
      indices.push_back(nearest);
      sum = sum.defined() ? sum + codes.detach() : codes.detach();
      cost = cost.defined() ? cost + own : own;
      rest = rest - codes.detach();
    }
    return {torch::stack(indices, 1), straight_through(sum, z), cost};
  }

  Tensor lookup(const Tensor& indices) override {
    Tensor sum;
    for (int64_t i = 0; i < stages(); ++i) {
      const auto codes = books_[i]->lookup(indices.select(1, i));
      sum = sum.defined() ? sum + codes : codes;
    }
    return sum;
  }

  int64_t codes() const override { return o_.codes; }
  int64_t stages() const override { return o_.stages; }
  int64_t size() const override { return o_.size; }

  void reset_usage() override {
    for (const auto& book : books_) book->reset_use();
  }
  Json usage() const override {
    if (books_.size() == 1) return books_.front()->usage();
    Json all = Json::array();
    for (const auto& book : books_) all.push_back(book->usage());
    return all;
  }

 private:
  const CodebookOptions o_;
  std::vector<std::shared_ptr<Codebook>> books_;
};

}  // namespace

std::shared_ptr<Quantizer> make_codebooks(const CodebookOptions& options) {
  return std::make_shared<Codebooks>(options);
}

}  // namespace elbo
