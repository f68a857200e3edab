#include "elbo/model/levels.h"

#include <algorithm>

#include "elbo/model/site_values.h"

namespace elbo {
namespace {

/// [n] rows that are not like the first one; a product's last bit may depend on a row's place.
Tensor unlike_first(const Tensor& values) {
  constexpr double kRounding = 1e-5;
  const auto flat = values.to(torch::kFloat64).reshape({values.size(0), -1});
  const auto first = flat.narrow(0, 0, 1);
  return ((flat - first).abs() > kRounding * (1 + first.abs())).any(1);
}

/// [n] rows for which a prior is not what it is for the first; the others are told nothing.
Tensor told_rows(const Distribution& p, const Tensor& typical) {
  auto told = unlike_first(typical);
  for (const auto& [name, value] : p.parameters()) {
    if (value.dim() > 1 && value.size(0) == told.size(0)) told = told | unlike_first(value);
  }
  return told;
}

/// Draws of all variables that are the same in all rows, but that row k + 1 differs in the k-th
/// variable, and in those that are told of it.
class Probe : public SiteValues {
 public:
  struct Drawn {
    Tensor value, told;  // [n, …]; [n], undefined where the variable is told of none
  };

  Tensor generated(const std::string&, const Dist& p, int64_t n, bool conditional) override {
    auto draws = (conditional ? p->sample() : p->sample({n})).detach().clone();
    const auto own = static_cast<int64_t>(drawn_.size()) + 1;
    const auto first = draws[0].clone();
    const auto others = unlike_first(draws.to(torch::kFloat32)).nonzero().flatten();
    Tensor other = others.numel() > 0 ? draws[others[0].item<int64_t>()].clone() : Tensor();
    auto value = first.unsqueeze(0).expand_as(draws).clone();
    Tensor told;
    if (conditional) {
      const auto typical = p->typical();
      told = told_rows(*p, typical.to(torch::kFloat32));
      const auto rows = told.nonzero().flatten();
      value.index_copy_(0, rows, typical.to(value.scalar_type()).index_select(0, rows));
    }
    if (other.defined() && own < n) value[own].copy_(other);
    drawn_.push_back({value, told});
    return value;
  }
  const std::vector<Drawn>& drawn() const { return drawn_; }

 private:
  std::vector<Drawn> drawn_;
};

/// Values as given, or what priors expect where these are not kept.
class Expected : public SiteValues {
 public:
  Expected(const std::vector<Tensor>& given, const Tensor& keep, const std::vector<size_t>& order)
      : given_(given), keep_(keep), order_(order) {}

  Tensor generated(const std::string& site, const Dist& p, int64_t, bool conditional) override {
    check(at_ < order_.size(), "[levels] ", site, ": found a variable more than at first");
    const auto part = order_[at_++];
    const auto& own = given_.at(part);
    if (!conditional) return own;
    Shape wide(static_cast<size_t>(own.dim()), 1);
    wide[0] = own.size(0);
    const auto keep = keep_.select(1, static_cast<int64_t>(part)).reshape(wide);
    return torch::where(keep > 0, own, p->typical().to(own.scalar_type()));
  }

 private:
  const std::vector<Tensor>& given_;
  const Tensor keep_;
  const std::vector<size_t>& order_;
  size_t at_ = 0;
};

}  // namespace

Levels::Levels(Model& model, CodeLayout layout, const Schemas& schemas)
    : model_(&model), layout_(std::move(layout)), below_(layout_.parts.size()) {
  torch::NoGradGuard no_gradient;
  RandomScope scope(0);
  constexpr int64_t kMore = 16;  // rows among which one differs from the first, of classes, too
  const auto parts = static_cast<int64_t>(layout_.parts.size());
  if (parts < 2) return;
  const int64_t n = parts + 1 + kMore;
  const auto c = schemas.c.present() ? torch::zeros(with_rows(n, schemas.c.shape)) : Tensor();
  Probe probe;
  const auto sites = model_->latent->generate(n, c).sites;
  std::vector<std::vector<size_t>> told;
  for (const auto& drawn : probe.drawn()) {
    const auto site = std::find_if(sites.begin(), sites.end(),
                                   [&](const Site& s) { return s.value.is_same(drawn.value); });
    if (site == sites.end()) {  // a draw that no code holds: nothing can be moved by it
      order_.clear();
      return;
    }
    const auto part = static_cast<size_t>(site - sites.begin());
    for (size_t k = 0; k < order_.size(); ++k) {
      const auto row = static_cast<int64_t>(k) + 1;
      if (drawn.told.defined() && drawn.told[row].item<bool>()) below_[order_[k]].push_back(part);
    }
    order_.push_back(part);
  }
}

bool Levels::any() const {
  return std::any_of(below_.begin(), below_.end(),
                     [](const auto& parts) { return !parts.empty(); });
}

const std::vector<size_t>& Levels::below(int64_t place) const {
  check(place >= 0 && place < layout_.size, "[codes] place: found ", place, ", codes have ",
        layout_.size, " numbers");
  size_t part = 0;
  while (layout_.parts[part].offset + layout_.parts[part].size <= place) ++part;
  return below_[part];
}

Trace Levels::expected(const std::vector<Tensor>& given, const Tensor& keep,
                       const Tensor& c) const {
  const Expected values(given, keep, order_);
  return model_->latent->generate(keep.size(0), c);
}

Tensor Levels::settled(const Tensor& codes, int64_t place, const Tensor& c) const {
  const auto& parts = below(place);
  if (parts.empty()) return codes;
  torch::NoGradGuard no_gradient;
  const auto sites = as_sites(layout_, codes);
  std::vector<Tensor> given;
  for (const auto& part : layout_.parts) given.push_back(sites.at(part.site));
  auto keep = torch::ones({codes.size(0), static_cast<int64_t>(given.size())});
  for (const auto part : parts) keep.select(1, static_cast<int64_t>(part)).fill_(0);
  const auto trace = expected(given, keep, c);
  auto all = codes.clone();
  for (const auto part : parts) {
    const auto& at = layout_.parts[part];
    all.narrow(1, at.offset, at.size)
        .copy_(trace.sites[part].value.to(torch::kFloat32).reshape({codes.size(0), at.size}));
  }
  return all;
}

}  // namespace elbo
