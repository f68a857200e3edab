#include "elbo/core/random.h"
#include "elbo/model/latent.h"
#include "elbo/model/spec.h"

namespace elbo {
namespace {

struct ProductOptions {
  Json parts = Json::array();
  template <class F>
  void fields(F&& f) {
    f("parts", parts, "list of the latents side by side");
  }
};

/// Independent latents of the same x; the decoder reads all their codes. A site's name that several
/// parts have gets the part's number in front: "0.z".
class Product : public Latent {
 public:
  Product(const LatentPlan& plan, const ProductOptions& o) {
    check(o.parts.is_array() && !o.parts.empty(),
          "[latent product] parts: expected a list of declarations, found ", o.parts.dump());
    for (const auto& declaration : o.parts) {
      parts_.push_back(register_module("part" + std::to_string(parts_.size()),
                                       latents().make(plan, declaration)));
    }
    read_names(plan.data);
    spatial_ = std::all_of(parts_.begin(), parts_.end(), [&](const auto& part) {
      const auto code = part->code(), first = parts_[0]->code();
      return code.size() == 3 && code[1] == first[1] && code[2] == first[2];
    });
  }

  Trace infer(const Batch& batch, int64_t samples) override {
    std::vector<Trace> traces;
    for (const auto& part : parts_) {
      traces.push_back(part->infer(batch, samples));
      check(traces.back().log_weight.size(0) == std::max<int64_t>(samples, 1),
            "[latent product] parts: ", traces.size() - 1,
            " enumerates its classes, so it cannot be part of a product");
    }
    return joined(std::move(traces), samples);
  }

  Trace generate(int64_t n, const Tensor& c, const Values& fixed) override {
    std::vector<std::string> known;
    for (const auto& names : names_) {
      for (const auto& [own, shown] : names) known.push_back(shown);
    }
    check_fixed(fixed, known);
    std::vector<Trace> traces;
    for (size_t i = 0; i < parts_.size(); ++i) {
      Values own_fixed;
      for (const auto& [own, shown] : names_[i]) {
        const auto at = fixed.find(shown);
        if (at != fixed.end()) own_fixed[own] = at->second;
      }
      traces.push_back(parts_[i]->generate(n, c, own_fixed));
    }
    return joined(std::move(traces), 1);
  }

  Shape code() const override {
    auto code = parts_[0]->code();
    int64_t total = 0;
    for (const auto& part : parts_) total += spatial_ ? part->code()[0] : numel(part->code());
    if (!spatial_) return {total};
    code[0] = total;
    return code;
  }

  std::vector<Tensor> prior_parameters() const override {
    std::vector<Tensor> all;
    for (const auto& part : parts_) {
      for (const auto& p : part->prior_parameters()) all.push_back(p);
    }
    return all;
  }

  std::vector<LayerReport> report() const override {
    std::vector<LayerReport> lines;
    for (size_t i = 0; i < parts_.size(); ++i) {
      for (auto& line : parts_[i]->report()) {
        line.name = std::to_string(i) + "." + line.name;
        lines.push_back(line);
      }
    }
    return lines;
  }

  void reset_usage() override {
    for (const auto& part : parts_) part->reset_usage();
  }
  Json usage() const override {
    Json all;
    for (size_t i = 0; i < parts_.size(); ++i) {
      const auto usage = parts_[i]->usage();
      for (const auto& [site, counts] : usage.items()) all[shown(i, site)] = counts;
    }
    return all;
  }

 private:
  /// Names are told by a draw: a part's sites are the same in every trace.
  void read_names(const Schemas& data) {
    torch::NoGradGuard no_gradient;
    RandomScope scope(0);
    const auto c = data.c.present() ? torch::zeros(with_rows(1, data.c.shape)) : Tensor();
    std::map<std::string, int64_t> owners;
    for (const auto& part : parts_) {
      names_.emplace_back();
      for (const auto& site : part->generate(1, c).sites) {
        names_.back()[site.name] = site.name;
        ++owners[site.name];
      }
    }
    for (size_t i = 0; i < names_.size(); ++i) {
      for (auto& [own, shown] : names_[i]) {
        if (owners[own] > 1) shown = std::to_string(i) + "." + own;
      }
    }
  }

  std::string shown(size_t part, const std::string& own) const { return names_[part].at(own); }

  Trace joined(std::vector<Trace> traces, int64_t samples) const {
    Trace all;
    std::vector<Tensor> codes;
    for (size_t i = 0; i < traces.size(); ++i) {
      for (auto& site : traces[i].sites) {
        site.name = shown(i, site.name);
        all.sites.push_back(std::move(site));
      }
      codes.push_back(spatial_ ? traces[i].code : traces[i].code.flatten(1));
      const auto& extra = traces[i].extra;
      if (extra.defined()) all.extra = all.extra.defined() ? all.extra + extra : extra;
    }
    all.code = torch::cat(codes, 1);
    all.log_weight = equal_weights(samples, all.code);
    return all;
  }

  bool spatial_ = false;
  std::vector<std::shared_ptr<Latent>> parts_;
  std::vector<std::map<std::string, std::string>> names_;  // of each part: own name to shown name
};

const bool product_added = latents().add<ProductOptions>(
    "product", "Several latents side by side, their codes in a row: JointVAE",
    [](const LatentPlan& plan, const ProductOptions& options) {
      return std::make_shared<Product>(plan, options);
    });

}  // namespace
}  // namespace elbo
