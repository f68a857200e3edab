#include "elbo/latents/columns.h"
#include "elbo/latents/tree_beliefs.h"
#include "elbo/model/codes_columns.h"
#include "elbo/model/knows_missing.h"
#include "elbo/model/sees_training.h"
#include "elbo/model/spec.h"

namespace elbo {
namespace {

constexpr int64_t kTreeRows = 200000;  // from which the tree is chosen

struct TreeOptions {
  int64_t classes = 64;
  double spread = 1;
  template <class F>
  void fields(F&& f) {
    f("classes", classes, "number of classes that a column's hidden variable has",
      between(2, 4096));
    f("spread", spread, "standard deviation of the initial logarithms of probabilities",
      between(0, 100));
  }
};

/// A hidden class for each column, linked along a tree of columns: p(z) is the product of
/// p(z_j | z_parent), and a column depends on its own class alone. All classes are summed out
/// exactly, with any cells missing, so the bound is the likelihood itself: hidden Chow-Liu trees
/// (Liu & Van den Broeck 2021, arXiv:2106.02264). Training also shows which cells are missing,
/// which depends on the class, too: log p(x, missing); what is judged is log p(x) alone. The code
/// is one-hot, [D, classes].
class Tree : public Latent, public SeesTraining, public KnowsMissing, public CodesColumns {
 public:
  Tree(const LatentPlan& plan, const TreeOptions& o) : classes_(o.classes) {
    columns_ = columns_alone(plan, "tree", "blocks",
                             "sums are exact where a column depends on its own class alone");
    root_ = register_parameter("root", torch::zeros({classes_}));
    links_ = register_parameter("links", o.spread * torch::randn({columns_, classes_, classes_}));
    if (plan.data.x.missing())
      missing_ = register_parameter("missing", torch::zeros({columns_, classes_}));
    parent_ = register_buffer("parent", torch::tensor(chain_of_columns(columns_).parent));
  }

  Trace infer(const Batch& batch, int64_t samples) override {
    const auto tree = now();
    auto cells = log_cells(batch);
    Tensor seen;  // [B, classes, D] log p(which cells are missing | class)
    if (is_training() && missing_.defined()) {
      seen = log_seen(batch);
      cells = cells + seen;
    }
    const auto q = ClassesGiven(tree, cells).tiled(std::max<int64_t>(samples, 1));
    Site site{"z", samples == 0 ? q->mean() : q->sample(), Tensor(), q,
              std::make_shared<ClassesOfTree>(tree)};
    auto trace = trace_of(std::move(site), samples);
    if (seen.defined()) {
      const auto z = trace.sites[0].value.to(torch::kInt64).unsqueeze(1);  // [S*B, 1, D]
      const auto s = trace.log_weight.size(0);
      trace.extra = -tile(seen, s).gather(1, z).sum({1, 2}).view({s, -1});
    }
    return trace;
  }

  Tensor missing(const Trace& trace) const override {
    if (!missing_.defined()) return Tensor();
    const auto z = trace.sites[0].value.to(torch::kInt64).t();  // [D, n]
    return missing_.gather(1, z).sigmoid().t();
  }

  ColumnClasses column_classes() const override { return {parents(), root_, links_, missing_}; }

  Trace generate(int64_t n, const Tensor&, const Values& fixed) override {
    check_fixed(fixed, {"z"});
    Site site{"z", Tensor(), Tensor(), nullptr, std::make_shared<ClassesOfTree>(now())};
    site.value = fixed_or_draw("z", site.prior, n, fixed);
    return trace_of(std::move(site), 1);
  }

  Shape code() const override { return {columns_, classes_}; }
  bool exact() const override { return true; }
  std::vector<Tensor> prior_parameters() const override {
    std::vector<Tensor> list{root_, links_};
    if (missing_.defined()) list.push_back(missing_);
    return list;
  }
  void use(const Decode& decode) override { decode_ = decode; }

  std::vector<LayerReport> report() const override {
    const int64_t each = classes_ * classes_;
    return {{"root", {classes_}, classes_, 2 * classes_},
            {"links", code(), columns_ * each, 2 * columns_ * each}};
  }

  void see(const Dataset& training) override {
    const auto rows = some_of(training, kTreeRows);
    torch::NoGradGuard no_gradient;
    parent_.copy_(torch::tensor(chow_liu_tree(rows.x, rows.mask).parent));
    if (!missing_.defined()) return;
    const auto known = rows.mask.to(torch::kFloat32).sum(0);
    const auto odds = (static_cast<double>(rows.x.size(0)) - known + 0.5) / (known + 0.5);
    missing_.copy_(odds.log().unsqueeze(1).expand_as(missing_));
  }

 private:
  std::vector<int64_t> parents() const {
    const auto parent = parent_.to(torch::kCPU);
    const auto* from = parent.data_ptr<int64_t>();
    return {from, from + columns_};
  }

  std::shared_ptr<const ClassTree> now() const {
    return std::make_shared<ClassTree>(
        ClassTree{tree_of_parents(parents()), root_.softmax(0), links_.softmax(2)});
  }

  /// [B, classes, D] log p(x_j | class), 0 where the mask hides a cell.
  Tensor log_cells(const Batch& batch) const {
    check(decode_ != nullptr,
          "[latent tree] place: it reads the decoder, so it cannot be part of a product");
    const auto each = torch::eye(classes_, links_.options().requires_grad(false)).unsqueeze(1);
    const auto p = decode_(each.expand({-1, columns_, -1}).contiguous(), Tensor());
    const auto log_p = p->log_prob(batch.x.unsqueeze(1));
    if (!batch.mask.defined()) return log_p;
    return torch::where(batch.mask.to(torch::kBool).unsqueeze(1), log_p,
                        torch::zeros({}, log_p.options()));
  }

  Tensor log_seen(const Batch& batch) const {
    const auto log_missing = torch::log_sigmoid(missing_).t(),
               log_known = torch::log_sigmoid(-missing_).t();
    if (!batch.mask.defined()) return log_known.unsqueeze(0).expand({batch.size(), -1, -1});
    return torch::where(batch.mask.to(torch::kBool).unsqueeze(1), log_known, log_missing);
  }

  Trace trace_of(Site site, int64_t samples) const {
    const auto z = whole_numbers(site.value, columns_, classes_, "class");
    Trace trace;
    trace.code =
        torch::zeros({z.size(0), columns_, classes_}, links_.options().requires_grad(false))
            .scatter_(2, z.unsqueeze(2), 1);
    trace.log_weight = equal_weights(samples, trace.code);
    trace.sites.push_back(std::move(site));
    return trace;
  }

  const int64_t classes_;
  int64_t columns_ = 0;
  Tensor root_, links_;  // logarithms of probabilities, up to a constant in each row
  Tensor missing_;       // [D, classes] log odds; undefined where all cells are known
  Tensor parent_;        // [D] int64
  Decode decode_;
};

const bool tree_added = latents().add<TreeOptions>(
    "tree", "A hidden class for each column along a tree of columns, summed exactly",
    [](const LatentPlan& plan, const TreeOptions& options) {
      return std::make_shared<Tree>(plan, options);
    });

}  // namespace
}  // namespace elbo
