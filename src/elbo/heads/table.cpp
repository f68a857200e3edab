#include <algorithm>
#include <cmath>

#include "elbo/data/column.h"
#include "elbo/distributions/columns.h"
#include "elbo/distributions/continuous.h"
#include "elbo/heads/parameters.h"

namespace elbo {
namespace {

// Of standardised values.
constexpr double kTableLowestLogScale = -7, kTableHighestLogScale = 2;
// Draws and means of log-normals stay finite.
constexpr double kLogSize = 60, kHighestLogNormal = 1.4;
constexpr double kLogOdds = 15;
// A density narrower than the rounding of the data would count the rounding as knowledge.
constexpr double kRounding = 0.289;   // deviation of a uniform of width 1
constexpr int64_t kWideClasses = 64;  // columns of more classes stand alone, not padded
constexpr double kNoClass = -1e9;     // a class that a padded column has not
constexpr double kNoCut = 1e4;

struct TableHeadOptions {
  std::string real = "normal", positive = "auto", count = "auto";
  int64_t components = 5;
  double df = 5;
  Json columns = Json::object();
  template <class F>
  void fields(F&& f) {
    f("real", real, "family of real and date columns", one_of({"normal", "student", "mixture"}));
    f("positive", positive, "family of positive columns (auto = by whether they hold zeros)",
      one_of({"auto", "log_normal", "zero_log_normal"}));
    f("count", count, "family of counts (auto = by how much they vary)",
      one_of({"auto", "poisson", "negative_binomial", "zero_negative_binomial", "rounded"}));
    f("components", components, "number of normals in a mixture", between(2, 100));
    f("df", df, "lowest degrees of freedom of Student's t", between(0.5, 1000));
    f("columns", columns, "families of single columns, e.g. {\"age\": \"student\"}");
  }
};

std::string family_of(const Column& c, const TableHeadOptions& o) {
  auto family = o.real;
  if (c.type == "positive") family = o.positive;
  if (c.type == "count") family = o.count;
  if (c.type == "ordinal") family = "ordinal";
  if (c.type == "category" || c.type == "binary") family = "categorical";
  if (o.columns.contains(c.name)) {
    const auto& own = o.columns[c.name];
    check(own.is_string(), "[head table] columns: \"", c.name, "\": found ", own.dump(),
          ", expected the name of a family");
    family = own.get<std::string>();
  }
  if (family != "auto") return family;
  if (c.type == "positive") return c.zeros > 0 ? "zero_log_normal" : "log_normal";
  // Of log(1 + x): about the variance over the mean.
  return c.scale * c.scale * std::exp(c.loc) < 1 ? "rounded" : "negative_binomial";
}

Tensor per_column(const std::vector<Column>& columns,
                  const std::function<double(const Column&)>& f) {
  std::vector<float> list;
  for (const auto& c : columns) list.push_back(static_cast<float>(f(c)));
  return torch::tensor(list);
}

/// The lowest log scale of each standardised column: that of its rounding.
Tensor rounding_floor(const std::vector<Column>& columns) {
  return per_column(columns, [](const Column& c) {
    double unit = c.type == "date" ? 1 : std::pow(10.0, -static_cast<double>(c.decimals));
    if (c.type == "positive") unit /= std::exp(c.loc);
    return std::clamp(std::log(kRounding * unit / c.scale), kTableLowestLogScale, -1.0);
  });
}

struct Standard {
  Tensor loc, scale, floor;
  explicit Standard(const std::vector<Column>& columns)
      : loc(per_column(columns, [](const Column& c) { return c.loc; })),
        scale(per_column(columns, [](const Column& c) { return c.scale; })),
        floor(rounding_floor(columns)) {}
  Tensor log_scale(const Tensor& h) const {
    return torch::maximum(h, floor.to(h.options())).clamp_max(kTableHighestLogScale);
  }
  Dist raw(Dist standardised, const Tensor& like) const {
    return std::make_shared<Affine>(std::move(standardised), loc.to(like.options()),
                                    scale.to(like.options()));
  }
};

FeatureHead::Make normal(const std::vector<Column>& columns) {
  return [s = Standard(columns)](const std::vector<Tensor>& p) {
    return s.raw(std::make_shared<Normal>(p[0], Log(s.log_scale(p[1]))), p[0]);
  };
}

FeatureHead::Make student(const std::vector<Column>& columns, double df) {
  return [s = Standard(columns), df](const std::vector<Tensor>& p) {
    return s.raw(
        std::make_shared<StudentT>(df + torch::softplus(p[2]), p[0], s.log_scale(p[1]).exp()),
        p[0]);
  };
}

/// Normals side by side from the start, so that they learn different things.
FeatureHead::Make mixture(const std::vector<Column>& columns, int64_t components) {
  const auto c = static_cast<int64_t>(columns.size());
  const auto spread = torch::linspace(-1.5, 1.5, components);
  return [s = Standard(columns), spread, c, components](const std::vector<Tensor>& p) {
    const auto parts = [&](const Tensor& h) { return h.reshape({h.size(0), c, components}); };
    const auto floor = s.floor.to(p[0].options()).unsqueeze(-1);
    const auto scales = torch::maximum(parts(p[2]) - 1, floor).clamp_max(kTableHighestLogScale);
    auto each = std::make_shared<Normal>(parts(p[1]) + spread.to(p[0].options()), Log(scales));
    return s.raw(std::make_shared<Mixture>(parts(p[0]), each, 0), p[0]);
  };
}

FeatureHead::Make log_normal(const std::vector<Column>& columns, bool zeros) {
  return [s = Standard(columns), zeros](const std::vector<Tensor>& p) -> Dist {
    const auto scale = s.scale.to(p[0].options());
    const auto loc = (s.loc.to(p[0].options()) + scale * p[0]).clamp(-kLogSize, kLogSize);
    auto base = std::make_shared<LogNormal>(
        loc, Log((s.log_scale(p[1]) + scale.log()).clamp_max(kHighestLogNormal)));
    if (!zeros) return base;
    return std::make_shared<ZeroInflated>(p[2].clamp(-kLogOdds, kLogOdds), base, false);
  };
}

/// Features begin at the column's own mean: p[0] is standardised, too.
FeatureHead::Make negative_binomial(const std::vector<Column>& columns, bool zeros) {
  return [s = Standard(columns), zeros](const std::vector<Tensor>& p) -> Dist {
    const auto rate = s.loc.to(p[0].options()) + s.scale.to(p[0].options()) * p[0];
    auto base = std::make_shared<NegativeBinomial>(
        Log(rate.clamp(-kLogRate, kLogRate)),
        Log((p[1] + 2).clamp(kLowestLogTotal, kHighestLogTotal)));
    if (!zeros) return base;
    return std::make_shared<ZeroInflated>(p[2].clamp(-kLogOdds, kLogOdds), base, true);
  };
}

FeatureHead::Make poisson(const std::vector<Column>& columns) {
  return [s = Standard(columns)](const std::vector<Tensor>& p) {
    const auto rate = s.loc.to(p[0].options()) + s.scale.to(p[0].options()) * p[0];
    return std::make_shared<Poisson>(Log(rate.clamp(-kLogRate, kLogRate)));
  };
}

FeatureHead::Make rounded(const std::vector<Column>& columns) {
  const auto centre = per_column(columns, [](const Column& c) { return std::expm1(c.loc); });
  const auto spread =
      per_column(columns, [](const Column& c) { return c.scale * std::exp(c.loc); });
  return [centre, spread](const std::vector<Tensor>& p) {
    const auto width = spread.to(p[0].options());
    return std::make_shared<RoundedLogistic>(
        centre.to(p[0].options()) + width * p[0],
        Log((p[1] + width.log() - 0.6).clamp(-3, kLogRate)));  // a logistic is wider than its scale
  };
}

/// Class numbers: logits as they come, padded to the column with most classes.
class Classes : public ReadingHead {
 public:
  explicit Classes(const std::vector<Column>& columns) {
    std::vector<int64_t> from;
    for (const auto& c : columns) {
      most_ = std::max(most_, static_cast<int64_t>(c.classes.size()));
      features_ += static_cast<int64_t>(c.classes.size());
    }
    int64_t next = 0;
    for (const auto& c : columns) {
      const auto count = static_cast<int64_t>(c.classes.size());
      for (int64_t k = 0; k < most_; ++k) from.push_back(k < count ? next + k : features_);
      next += count;
    }
    if (columns.size() > 1) from_ = torch::tensor(from);
  }
  Dist operator()(const Tensor& h) override {
    if (!from_.defined()) return std::make_shared<Categorical>(h.unsqueeze(1));
    const auto wide = torch::cat({h, torch::full({h.size(0), 1}, kNoClass, h.options())}, 1);
    return std::make_shared<Categorical>(
        wide.index_select(1, from_.to(h.device())).view({h.size(0), -1, most_}));
  }
  Shape input() const override { return {features_}; }

 private:
  int64_t most_ = 0, features_ = 0;
  Tensor from_;  // [C * most]: which feature stands there
};

/// Ordered classes: cuts of each column on a line, learned; a place and a width from the features.
class Grades : public ReadingHead {
 public:
  explicit Grades(const std::vector<Column>& columns) {
    columns_ = static_cast<int64_t>(columns.size());
    int64_t most = 0;
    for (const auto& c : columns) most = std::max(most, static_cast<int64_t>(c.classes.size()));
    auto absent = torch::zeros({columns_, most - 1});
    first_ = torch::zeros({columns_, 1});
    for (int64_t i = 0; i < columns_; ++i) {
      const auto cuts = static_cast<int64_t>(columns[static_cast<size_t>(i)].classes.size()) - 1;
      absent[i].slice(0, cuts).fill_(kNoCut);
      first_[i] = -0.5 * static_cast<double>(cuts - 1);
    }
    absent_ = absent.cumsum(1);
    gaps_ = register_parameter("gaps", torch::full({columns_, most - 1}, 0.54));  // softplus: 1
  }
  Dist operator()(const Tensor& h) override {
    const auto p = h.chunk(2, 1);
    const auto gaps =
        torch::cat({gaps_.narrow(1, 0, 1), torch::softplus(gaps_.slice(1, 1)) + 1e-3}, 1);
    const auto cuts = (first_.to(h.options()) - 0.54 + gaps.cumsum(1)).unsqueeze(0);
    const auto sharp = p[1].clamp(-3, 3).exp().unsqueeze(2);
    const auto at = sharp * cuts + absent_.to(h.options());
    return std::make_shared<Ordinal>(cumulative_logits(at, sharp * p[0].unsqueeze(2)));
  }
  Shape input() const override { return {2 * columns_}; }

 private:
  int64_t columns_ = 0;
  Tensor first_, absent_, gaps_;
};

/// One distribution for all columns of a family, from a slice of the features: [B, C].
std::shared_ptr<Head> make_family(const std::string& name, const std::vector<Column>& columns,
                                  const TableHeadOptions& o) {
  const auto c = static_cast<int64_t>(columns.size());
  const auto plain = [c](int64_t k, FeatureHead::Make make) {
    return std::make_shared<FeatureHead>(Shape{c}, k, std::move(make));
  };
  if (name == "normal") return plain(2, normal(columns));
  if (name == "student") return plain(3, student(columns, o.df));
  if (name == "mixture") {
    return std::make_shared<FeatureHead>(Shape{c * o.components}, 3,
                                         mixture(columns, o.components));
  }
  if (name == "log_normal") return plain(2, log_normal(columns, false));
  if (name == "zero_log_normal") return plain(3, log_normal(columns, true));
  if (name == "negative_binomial") return plain(2, negative_binomial(columns, false));
  if (name == "zero_negative_binomial") return plain(3, negative_binomial(columns, true));
  if (name == "poisson") return plain(1, poisson(columns));
  if (name == "rounded") return plain(2, rounded(columns));
  if (name == "ordinal") return std::make_shared<Grades>(columns);
  return std::make_shared<Classes>(columns);
}

/// Which families describe which type of column.
const std::map<std::string, std::vector<std::string>>& families() {
  static const std::vector<std::string> lines = {"normal", "student", "mixture"};
  static const std::map<std::string, std::vector<std::string>> table = {
      {"real", lines},
      {"date", lines},
      {"positive", {"log_normal", "zero_log_normal"}},
      {"count", {"poisson", "negative_binomial", "zero_negative_binomial", "rounded"}},
      {"ordinal", {"ordinal", "categorical"}},
      {"category", {"categorical"}},
      {"binary", {"categorical"}}};
  return table;
}

/// Columns that one distribution describes; those of many classes are alone in theirs.
struct FamilyGroup {
  std::string family;
  std::vector<int64_t> columns;
};

class TableHead : public ReadingHead {
 public:
  TableHead(const Context& at, const TableHeadOptions& o) {
    check_kind("table", at.variable, {Kind::kTable});
    const auto columns = columns_of(at.variable);
    check(at.variable.shape == Shape{static_cast<int64_t>(columns.size())},
          "[head table] columns: the schema names ", columns.size(), ", its shape is ",
          to_string(at.variable.shape));
    check(o.columns.is_object(), "[head table] columns: expected an object, found ",
          o.columns.dump());
    std::map<std::string, FamilyGroup> groups;  // by the name that weights are stored under
    for (size_t i = 0; i < columns.size(); ++i) {
      const auto& c = columns[i];
      const auto name = family_of(c, o);
      const auto& known = families().at(c.type);
      check(std::find(known.begin(), known.end(), name) != known.end(), "[head table] column \"",
            c.name, "\" of type ", c.type, ": family ", name, "; allowed: ", join(known));
      check(name != "log_normal" || c.zeros == 0, "[head table] column \"", c.name,
            "\": family log_normal has no zeros, the column has; allowed: zero_log_normal");
      const bool wide = static_cast<int64_t>(c.classes.size()) > kWideClasses;
      auto& group = groups[wide ? name + "_" + std::to_string(i) : name];
      group.family = name;
      group.columns.push_back(static_cast<int64_t>(i));
    }
    for (const auto& [name, value] : o.columns.items()) {
      const bool known = std::any_of(columns.begin(), columns.end(),
                                     [&, &n = name](const Column& c) { return c.name == n; });
      check(known, "[head table] columns: no column \"", name, "\"");
    }
    add_groups(groups, columns, o);
  }

  Dist operator()(const Tensor& h) override {
    std::vector<Columns::Group> groups;
    int64_t from = 0;
    for (size_t i = 0; i < families_.size(); ++i) {
      const auto size = numel(families_[i]->input());
      groups.push_back({at_[i].to(h.device()), (*families_[i])(h.narrow(1, from, size))});
      from += size;
    }
    return std::make_shared<Columns>(std::move(groups), order_.to(h.device()));
  }

  Shape input() const override {
    int64_t size = 0;
    for (const auto& family : families_) size += numel(family->input());
    return {size};
  }

 private:
  void add_groups(const std::map<std::string, FamilyGroup>& groups,
                  const std::vector<Column>& columns, const TableHeadOptions& o) {
    std::vector<int64_t> order(columns.size());
    int64_t next = 0;
    for (const auto& [name, group] : groups) {
      std::vector<Column> own;
      for (const int64_t i : group.columns) {
        own.push_back(columns[static_cast<size_t>(i)]);
        order[static_cast<size_t>(i)] = next++;
      }
      families_.push_back(register_module(name, make_family(group.family, own, o)));
      at_.push_back(torch::tensor(group.columns));
    }
    order_ = torch::tensor(order);
  }

  std::vector<std::shared_ptr<Head>> families_;
  std::vector<Tensor> at_;
  Tensor order_;
};

const bool table_added = heads().add<TableHeadOptions>(
    "table", "Columns of a table, each by its own family",
    [](const Context& at, TableHeadOptions o) { return std::make_shared<TableHead>(at, o); });

}  // namespace
}  // namespace elbo
