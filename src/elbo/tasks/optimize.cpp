#include <cmath>
#include <iomanip>
#include <set>
#include <sstream>

#include "elbo/chem/molecule.h"
#include "elbo/data/molecules.h"
#include "elbo/data/row_view.h"
#include "elbo/data/tokenizer.h"
#include "elbo/io/file.h"
#include "elbo/tasks/molecule_search.h"
#include "elbo/tasks/rows.h"
#include "elbo/train/kept.h"

namespace elbo {
namespace {

struct OptimizeOptions {
  std::string property, from, direction = "up", split = "auto";
  int64_t from_data = 0, rounds = 4, steps = 40, stops = 8, draws = 8, best = 5, seed = 0;
  double distance = 0.5, similarity = 0.3, temperature = 1;
  bool better = true;
  template <class F>
  void fields(F&& f) {
    f("property", property, "property to optimize (default: the first that the run predicts)");
    f("direction", direction, "direction: more of the property, or less", one_of({"up", "down"}));
    f("from", from,
      "SMILES of the molecule to start from (default: one that the model writes from the code of a "
      "held-out row)");
    f("from_data", from_data, "number of starting rows to draw from the data at random instead",
      between(0, 1e6));
    f("split", split, "part of the data (auto = the test part where there is one, else all)",
      one_of({"auto", "train", "test", "all"}));
    f("rounds", rounds,
      "number of searches one after the other, each from the best molecules found so far",
      between(1, 1000));
    f("steps", steps, "number of steps along the gradient of the prediction", between(1, 10000));
    f("distance", distance,
      "largest distance that a round goes from where it begins: root mean square over latent "
      "dimensions, in standard "
      "deviations of the prior",
      between(0.001, 100));
    f("similarity", similarity, "least Tanimoto similarity to the start", between(0, 1));
    f("stops", stops, "number of points on the way to decode", between(1, 1000));
    f("draws", draws, "number of molecules decoded at each point", between(1, 1000));
    f("temperature", temperature, "sampling temperature; lower is closer to the likeliest molecule",
      between(0.01, 10));
    f("best", best, "number of molecules shown for each start", between(1, 1000));
    f("better", better, "only molecules that are better than the start");
    f("seed", seed, "seed of rows and draws", at_least(0));
  }
};

/// The molecules to begin with: texts and rows of ids.
struct Starts {
  std::vector<std::string> smiles;
  Tensor x;  // [N, T]
  std::string name;
};

struct Optimized {
  std::string start;
  double known = 0;  // property of the start
  std::vector<FoundMolecule> found;
};

class Optimize : public Task {
 public:
  explicit Optimize(OptimizeOptions options) : o_(std::move(options)) {}

  Json run(const TaskInput& input) override {
    RandomScope scope(static_cast<uint64_t>(o_.seed));
    const auto& schemas = input.run->schemas();
    check(MoleculeView::shows(schemas.x),
          "[optimize] the run has learned no molecules; train it on .smi");
    check(input.model->predictor != nullptr,
          "[optimize] the run predicts no property; train it with --property qed");
    const auto plan = plan_of(schemas);
    const auto layout = code_layout(*input.model, schemas);
    check(layout.parts.size() == 1 && torch::isFloatingType(layout.parts[0].type),
          "[optimize] the model's code has no gradient: one site of real numbers is needed");
    const auto starts = starts_of(input);
    const auto codes = codes_of(input, layout, starts.x);
    std::vector<Optimized> all;
    for (size_t i = 0; i < starts.smiles.size(); ++i) {
      const auto& smiles = starts.smiles[i];
      Optimized one{smiles, true_value(smiles), {}};
      one.found = search(input, layout, smiles, codes.narrow(0, static_cast<int64_t>(i), 1), plan);
      if (o_.better && !std::isnan(one.known)) {
        std::erase_if(one.found,
                      [&](const auto& m) { return plan.sign * (m.known - one.known) <= 0; });
      }
      one.found.resize(std::min(one.found.size(), static_cast<size_t>(o_.best)));
      all.push_back(std::move(one));
      input.progress(static_cast<double>(i + 1) / static_cast<double>(starts.smiles.size()));
    }
    return report(input, all, starts.name);
  }

  std::string data() const override { return "may"; }
  std::string example() const override {
    return "elbo optimize RUN --property qed --from \"CC(=O)Nc1ccccc1\" -o better.svg";
  }

 private:
  SearchPlan plan_of(const Schemas& schemas) {
    const auto names = property_names(schemas.target);
    SearchPlan plan;
    name_ = o_.property.empty() && !names.empty() ? names[0] : o_.property;
    const auto at = std::find(names.begin(), names.end(), name_);
    check(at != names.end(), "[optimize] property: \"", name_,
          "\" is not predicted by this run; known: ", join(names));
    plan.property = at - names.begin();
    plan.sign = o_.direction == "up" ? 1 : -1;
    plan.steps = std::max(o_.steps, o_.stops);
    plan.stops = o_.stops;
    plan.draws = o_.draws;
    plan.distance = o_.distance;
    plan.temperature = o_.temperature;
    return plan;
  }

  Starts starts_of(const TaskInput& input) const {
    check(o_.from.empty() || (o_.from_data == 0 && input.data.empty()),
          "[optimize] --from names one molecule; --from-data and DATA name others: choose one");
    const auto& x = input.run->schemas().x;
    if (!o_.from.empty()) {
      const auto smiles = Molecule::parse(o_.from).smiles();
      return {{smiles}, encode_rows(x, {smiles}), "given"};
    }
    if (o_.from_data == 0 && input.data.empty()) {
      if (auto one = kept_start(input); !one.smiles.empty()) return one;
    }
    RowChoice choice;
    choice.split = o_.split;
    const auto rows = open_task_rows(input, choice);
    const int64_t n = o_.from_data > 0 ? o_.from_data : 1;
    const auto key = Draw{static_cast<uint64_t>(o_.seed)}.key("optimize");
    const auto some = some_rows(rows.data, n, key);
    const auto batch = some->get(torch::arange(some->size()));
    return {texts_of(x, batch.x), batch.x, rows.name};
  }

  /// A molecule from a code that the run keeps: the data, whose properties take long to compute,
  /// are not read. None where there is no code that gives one.
  Starts kept_start(const TaskInput& input) const {
    constexpr int64_t kTried = 16;
    const auto kept = input.run->kept();
    if (!kept || !kept->codes.defined()) return {};
    const auto& x = input.run->schemas().x;
    const auto layout = code_layout(*input.model, input.run->schemas());
    const auto key = Draw{static_cast<uint64_t>(o_.seed)}.key("optimize");
    const auto order = torch::tensor(permutation(kept->codes.size(0), key), torch::kInt64);
    const auto some = order.narrow(0, 0, std::min(kTried, order.size(0)));
    const auto p = decode_codes(*input.model, layout, kept->codes.index_select(0, some), Tensor());
    for (const auto& text : texts_of(x, p->mean())) {
      if (const auto ids = valid_ids(x, text); ids.defined()) {
        return {{Molecule::parse(text).smiles()}, ids, "a kept code"};
      }
    }
    return {};
  }

  static Tensor codes_of(const TaskInput& input, const CodeLayout& layout, const Tensor& x) {
    torch::NoGradGuard no_gradient;
    Batch batch;
    batch.x = x;
    batch.mask = token_mask(x);
    return encode_batch(*input.model, layout, batch).mean;
  }

  /// [1, T]; undefined where the canonical SMILES is longer than what the model reads.
  static Tensor ids_of(const Schema& x, const std::string& smiles) {
    try {
      return encode_rows(x, {smiles});
    } catch (const Error&) {
      return Tensor();
    }
  }

  /// The same of a molecule; undefined where a text is none.
  static Tensor valid_ids(const Schema& x, const std::string& text) {
    try {
      return ids_of(x, Molecule::parse(text).smiles());
    } catch (const Error&) {
      return Tensor();
    }
  }

  /// Molecules found near a start, best first, in rounds of about the same work.
  std::vector<FoundMolecule> search(const TaskInput& input, const CodeLayout& layout,
                                    const std::string& start, const Tensor& code,
                                    const SearchPlan& plan) const {
    constexpr size_t kPlaces = 4;
    const auto& x = input.run->schemas().x;
    FoundMolecules found;
    std::set<std::string> left;  // where a round has begun
    auto codes = code;           // [places, size]
    for (int64_t round = 0; round < o_.rounds; ++round) {
      auto now = plan;
      now.draws = (plan.draws + codes.size(0) - 1) / codes.size(0);
      const auto way = climb(*input.model, layout, codes, now).flatten(0, 1);
      find_on_way(*input.model, layout, x, way, start, name_, o_.similarity, now, found);
      std::vector<Tensor> next;
      for (const auto& m : best_first(found, plan)) {
        if (next.size() == kPlaces) break;
        if (!left.insert(m.smiles).second) continue;
        if (const auto ids = ids_of(x, m.smiles); ids.defined()) next.push_back(ids);
      }
      codes = next.empty() ? code : codes_of(input, layout, torch::cat(next));
    }
    return best_first(found, plan);
  }

  double true_value(const std::string& smiles) const {
    return is_molecule_property(name_) ? Molecule::parse(smiles).property(name_) : NAN;
  }

  Json report(const TaskInput& input, const std::vector<Optimized>& all,
              const std::string& rows) const {
    Json table = Json::array();
    double rise = 0, similarity = 0;
    int64_t improved = 0;
    for (const auto& start : all) {
      if (!start.found.empty()) {
        const auto& first = start.found[0];
        rise += first.known - start.known;
        similarity += first.similarity;
        improved += (first.known - start.known) * (o_.direction == "up" ? 1 : -1) > 0;
      }
      for (const auto& m : start.found) {
        table.push_back({{"name", m.smiles},
                         {"start", start.start},
                         {"start_" + name_, start.known},
                         {"predicted", m.predicted},
                         {name_, m.known},
                         {"similarity", m.similarity}});
      }
    }
    const auto found =
        std::count_if(all.begin(), all.end(), [](const Optimized& o) { return !o.found.empty(); });
    const double n = static_cast<double>(all.size());
    Json result{{"data", rows},
                {"starts", all.size()},
                {"starts_with_a_molecule", found},
                {"starts_improved", improved},
                {"mean_rise", rise / n}};
    if (found > 0) result["mean_similarity"] = similarity / static_cast<double>(found);
    if (found < static_cast<int64_t>(all.size())) {
      result["note"] = std::to_string(all.size() - static_cast<size_t>(found)) + " of " +
                       std::to_string(all.size()) + " starts: nothing " +
                       (o_.better ? "better " : "") +
                       "found; --rounds 10 searches longer, --similarity 0.2 allows less alike "
                       "molecules, and a model that was trained longer knows more";
    }
    constexpr size_t kShown = 20;
    if (!input.out.empty()) {
      write(input.out.string(), all, table);
      result["file"] = input.out.string();
    } else if (table.empty()) {
      return result;
    } else if (table.size() <= kShown) {
      result["molecules"] = table;
    } else {
      result["left_out"] =
          std::to_string(table.size()) + " molecules: name a file for them with -o";
    }
    return result;
  }

  void write(const std::string& path, const std::vector<Optimized>& all, const Json& table) const {
    if (path.ends_with(".svg")) return write_file_atomic(path, picture(all));
    check(path.ends_with(".csv") || path.ends_with(".smi"), "[output] ", path,
          ": unknown ending; known: .csv, .smi, .svg");
    std::ostringstream text;
    text << std::setprecision(6);
    if (path.ends_with(".csv")) text << "smiles,start,start_value,predicted,value,similarity\n";
    for (const auto& row : table) {
      const auto smiles = row["name"].get<std::string>();
      if (path.ends_with(".smi")) {
        text << smiles << ' ' << row[name_] << '\n';
      } else {
        text << smiles << ',' << row["start"].get<std::string>() << ',' << row["start_" + name_]
             << ',' << row["predicted"] << ',' << row[name_] << ',' << row["similarity"] << '\n';
      }
    }
    write_file_atomic(path, text.str());
  }

  /// A line of pictures for each start: itself, then what was found.
  std::string picture(const std::vector<Optimized>& all) const {
    std::vector<std::string> smiles, legends;
    const auto legend = [&](double value, double similarity) {
      std::ostringstream text;
      text << std::fixed << std::setprecision(3) << name_ << ' ' << value;
      if (similarity < 1) text << ", similarity " << std::setprecision(2) << similarity;
      return text.str();
    };
    for (const auto& start : all) {
      smiles.push_back(start.start);
      legends.push_back("start: " + legend(start.known, 1));
      for (const auto& m : start.found) {
        smiles.push_back(m.smiles);
        legends.push_back(legend(std::isnan(m.known) ? m.predicted : m.known, m.similarity));
      }
      smiles.resize((smiles.size() + static_cast<size_t>(o_.best)) /
                    static_cast<size_t>(o_.best + 1) * static_cast<size_t>(o_.best + 1));
      legends.resize(smiles.size());
    }
    return molecules_svg(smiles, legends, o_.best + 1);
  }

  OptimizeOptions o_;
  std::string name_;
};

const bool optimize_added = tasks().add<OptimizeOptions>(
    "optimize", "Molecules near a given one with more of a predicted property",
    [](OptimizeOptions options) { return std::make_shared<Optimize>(std::move(options)); });

}  // namespace
}  // namespace elbo
