#include "elbo/core/schedule.h"
#include "elbo/objectives/terms.h"

namespace elbo {
namespace {

constexpr const char* kDenoisingWhere = "objective denoising";

struct DenoisingOptions {
  std::string noise = "dropout";
  double amount = 0.3;
  Schedule beta = 1;
  int64_t samples = 1;
  template <class F>
  void fields(F&& f) {
    f("noise", noise,
      "noise on the encoder's input: gaussian (added), dropout (cells set to 0 or their column's "
      "mean), swap (cells of other rows) or mask (cells marked as missing)",
      one_of({"gaussian", "dropout", "swap", "mask"}));
    f("amount", amount, "standard deviation of the added noise, or share of the cells",
      between(0, 100));
    f("beta", beta, "weight of the KL term", at_least(0));
    f("samples", samples, "draws per row", between(1, 100000));
  }
};

/// The ELBO of clean data given a code of corrupted data (denoising autoencoders and VAEs).
class Denoising : public Objective {
 public:
  Denoising(const ObjectivePlan& plan, DenoisingOptions options) : o_(std::move(options)) {
    const auto& x = plan.data.x;
    const bool numbers = is_numeric(x.kind);
    check(numbers || o_.noise == "swap" || o_.noise == "mask", "[", kDenoisingWhere,
          "] noise: ", o_.noise, " does not apply to ", x.kind, " data; use swap");
    check(o_.noise != "mask" || x.missing(), "[", kDenoisingWhere,
          "] noise: mask needs data with missing cells; use dropout or swap");
    check(o_.noise == "gaussian" || o_.amount <= 1, "[", kDenoisingWhere, "] amount: found ",
          o_.amount, ", a share of the cells is 0 to 1");
    if (const auto units = x.units()) {
      loc_ = units->loc;
      scale_ = units->scale;
    }
  }

  double kl_weight(int64_t step) const override { return o_.beta.at(step); }
  int64_t draws() const override { return o_.samples; }

  Terms loss(const Step& step) override {
    const auto bound = bound_of(step.model, corrupted(step.batch), step.batch, o_.samples);
    return terms_of(bound, bound.reconstruction + o_.beta.at(step.number) * bound.divergence);
  }

 private:
  Batch corrupted(const Batch& batch) const {
    auto noisy = batch;
    const auto& x = batch.x;
    if (o_.noise == "gaussian") {
      const auto noise = o_.amount * torch::randn_like(x);
      noisy.x = x + (scale_.defined() ? noise * scale_.to(x.options()) : noise);
      return noisy;
    }
    const auto hit = torch::rand_like(x) < o_.amount;
    if (o_.noise == "mask") {
      const auto mask = batch.mask.defined() ? batch.mask : torch::ones_like(x);
      noisy.mask = mask.masked_fill(hit, 0);
    } else if (o_.noise == "swap") {
      // Cell by cell from rows drawn at random; what is missing there is missing here.
      const auto rows = torch::randint(x.size(0), x.sizes(), x.options().dtype(torch::kInt64));
      noisy.x = torch::where(hit, x.gather(0, rows), x);
      if (batch.mask.defined()) {
        noisy.mask = torch::where(hit, batch.mask.gather(0, rows), batch.mask);
      }
    } else {
      const auto blank = loc_.defined() ? loc_.to(x.options()) : torch::zeros({}, x.options());
      noisy.x = torch::where(hit, blank, x);
    }
    return noisy;
  }

  const DenoisingOptions o_;
  Tensor loc_, scale_;
};

const bool denoising_added = objectives().add<DenoisingOptions>(
    "denoising", "The ELBO of clean data given a code of corrupted data",
    [](const ObjectivePlan& plan, DenoisingOptions options) {
      return std::make_shared<Denoising>(plan, std::move(options));
    });

}  // namespace
}  // namespace elbo
