#include <cmath>

#include "elbo/core/text.h"
#include "elbo/data/open.h"
#include "elbo/data/row_view.h"
#include "elbo/data/table.h"
#include "elbo/eval/completion_check.h"
#include "elbo/io/file.h"
#include "elbo/model/refinement.h"
#include "elbo/tasks/impute_text.h"
#include "elbo/tasks/output.h"
#include "elbo/tasks/task.h"

namespace elbo {
namespace {

struct ImputeOptions {
  int64_t m = 1;
  int64_t draws = 100;
  double interval = 0;
  int64_t longest = 20, refine = 0;
  int64_t seed = 0;
  bool strict = false;
  template <class F>
  void fields(F&& f) {
    f("m", m,
      "number of completions. 1: the expected value (mean, median grade or likeliest class); more: "
      "independent draws, written to OUT.1.csv, OUT.2.csv, …; texts: the likeliest ones",
      between(1, 1000));
    f("draws", draws, "draws of the latent variables per row", between(1, 100000));
    f("interval", interval,
      "mass of prediction intervals, e.g. 0.9, for the numbers filled in, written to "
      "OUT.intervals.csv",
      between(0, 0.999));
    f("longest", longest, "texts: most tokens in a gap", between(1, 10000));
    f("refine", refine, kRefineHelp, between(0, 100000));
    f("seed", seed, "seed of the draws", at_least(0));
    f("strict", strict,
      "tables: refuse cells that training has not seen; without it they stay as they are, and the "
      "rest of their row is filled without them");
  }
};

/// How a column is filled where that is not by what the model expects.
std::string way_of(const Tensor& fills, const Cells& cell, int64_t column) {
  constexpr double kAlone = 0.95;  // a share that is as good as all
  if (!fills.defined()) return "";
  const auto at = [&](int64_t row) { return fills[row][column].item<double>(); };
  const auto fill = static_cast<Fill>(static_cast<int64_t>(at(0)));
  const double weight = fills.size(0) > 2 ? at(2) : 1;
  if (fill == Fill::kConstant || weight <= 1 - kAlone) {
    return "one value, nearer to hidden cells than what the model expects";
  }
  const bool median = fill == Fill::kMedian;
  if (weight >= kAlone) {
    return median ? "the model's median, nearer to hidden cells than its mean" : "";
  }
  const auto share = static_cast<int>(std::lround(100 * weight));
  return std::to_string(share) + " % of the model's " + (median ? "median" : "mean") + " and " +
         std::to_string(100 - share) + " % of " + cell.text(at(1)) + ", nearest to hidden cells";
}

/// "a.csv" and "1" as "a.1.csv".
std::string beside(const std::string& path, const std::string& word) {
  const std::filesystem::path p(path);
  return (p.parent_path() / (p.stem().string() + "." + word + p.extension().string())).string();
}

/// What the model knows of a cell: nothing; its value; a text that it cannot read, which stays.
enum CellState : uint8_t { kAbsent, kKnown, kUnread };

/// The rows of a block as they stand in the file, and as the model reads them.
struct Block {
  std::vector<std::vector<std::string>> cells;  // raw bytes
  std::vector<std::string> ends;
  std::vector<int64_t> lines;
  std::vector<float> values;
  std::vector<uint8_t> states;  // CellState

  int64_t size() const { return static_cast<int64_t>(cells.size()); }
  void add(const TableRows& rows) {
    const auto& records = rows.text().records();
    std::vector<std::string> record;
    for (int64_t i = 0; i < records.size(); ++i) record.emplace_back(records.raw(i));
    cells.push_back(std::move(record));
    ends.emplace_back(records.line_end());
    lines.push_back(records.line());
    values.insert(values.end(), rows.values().begin(), rows.values().end());
    states.insert(states.end(), rows.mask().begin(), rows.mask().end());
    const auto first = static_cast<int64_t>(states.size() - rows.mask().size());
    for (const auto& odd : rows.odd()) {
      if (odd.component >= 0) states[static_cast<size_t>(first + odd.component)] = kUnread;
    }
  }
};

/// Writes a table whose absent cells are filled; all other bytes stay.
class Filler {
 public:
  Filler(const TableRows& rows, const std::string& out, const ImputeOptions& o)
      : rows_(rows), delimiter_(rows.text().records().delimiter()) {
    for (int64_t i = 0; i < o.m; ++i) {
      const auto path = o.m == 1 ? out : beside(out, std::to_string(i + 1));
      files_.push_back(std::make_unique<AtomicFile>(path));
      paths_.push_back(path);
      if (rows.text().records().marked()) files_.back()->write("\xef\xbb\xbf");
      files_.back()->write(rows.text().header());
    }
    if (o.interval == 0) return;
    paths_.push_back(beside(out, "intervals"));
    intervals_ = std::make_unique<AtomicFile>(paths_.back());
    const std::string d(1, delimiter_);
    intervals_->write(rows.text().records().unit() + d + "column" + d + "value" + d + "low" + d +
                      "high\n");
  }

  void add(Block& block, const Completion& found, const std::vector<int64_t>& filled) {
    for (size_t f = 0; f < files_.size(); ++f) {
      const auto values = files_.size() == 1      ? found.value
                          : found.draws.defined() ? found.draws[static_cast<int64_t>(f)]
                                                  : found.value;
      std::string text;
      size_t next = 0;
      for (int64_t r = 0; r < block.size(); ++r) {
        const bool here = next < filled.size() && filled[next] == r;
        append_row(text, block, r, here ? values[static_cast<int64_t>(next)] : Tensor());
        next += here;
      }
      files_[f]->write(text);
    }
    if (intervals_) write_intervals(block, found, filled);
  }

  void commit() {
    for (const auto& file : files_) file->commit();
    if (intervals_) intervals_->commit();
  }
  const std::vector<std::string>& paths() const { return paths_; }

 private:
  bool absent(const Block& block, int64_t row, size_t column) const {
    return block.states[static_cast<size_t>(row) * rows_.cells().size() + column] == kAbsent;
  }

  void append_row(std::string& text, const Block& block, int64_t r, const Tensor& values) const {
    auto record = block.cells[static_cast<size_t>(r)];
    for (size_t i = 0; values.defined() && i < rows_.cells().size(); ++i) {
      if (!absent(block, r, i)) continue;
      const double value = values[static_cast<int64_t>(i)].item<double>();
      const auto place = static_cast<size_t>(rows_.place(static_cast<int64_t>(i)));
      record[place] = csv_cell(rows_.cells()[i].text(value), delimiter_);
    }
    for (size_t i = 0; i < record.size(); ++i) {
      if (i > 0) text += delimiter_;
      text += record[i];
    }
    text += block.ends[static_cast<size_t>(r)];
  }

  void write_intervals(const Block& block, const Completion& found,
                       const std::vector<int64_t>& filled) {
    std::string text;
    for (size_t k = 0; k < filled.size(); ++k) {
      const auto row = static_cast<int64_t>(k);
      for (size_t i = 0; i < rows_.cells().size(); ++i) {
        const auto& cell = rows_.cells()[i];
        if (!absent(block, filled[k], i) || !cell.column().numeric()) continue;
        const auto column = static_cast<int64_t>(i);
        text += std::to_string(block.lines[static_cast<size_t>(filled[k])]) + delimiter_ +
                csv_cell(cell.column().name, delimiter_);
        for (const auto& t : {found.value, found.low, found.high}) {
          text += delimiter_ + csv_cell(cell.text(t[row][column].item<double>()), delimiter_);
        }
        text += '\n';
      }
    }
    intervals_->write(text);
  }

  const TableRows& rows_;
  char delimiter_;
  std::vector<std::unique_ptr<AtomicFile>> files_;
  std::unique_ptr<AtomicFile> intervals_;
  std::vector<std::string> paths_;
};

class Impute : public Task {
 public:
  explicit Impute(ImputeOptions options) : o_(std::move(options)) {}

  Json run(const TaskInput& input) override {
    RandomScope scope(static_cast<uint64_t>(o_.seed));
    const auto& schemas = input.run->schemas();
    if (TextView::shows(schemas.x)) return impute_text(input, {o_.m, o_.draws, o_.longest});
    check(TableView::shows(schemas.x), "[impute] the model was trained on ", schemas.x.kind,
          " data; cells are filled in tables (elbo train table:FILE.csv), gaps in texts");
    check(!schemas.c.present(), "[impute] the model has conditions, the table gives none");
    const auto reader = input.run->data_options("all").reader;
    TableRows rows(data_path(input.data), read_options<TableOptions>(reader, "table"), schemas,
                   o_.strict ? OddCells::kRefused : OddCells::kMissing);
    const auto out = output_path(input, "filled.csv");
    check(!out.ends_with(".gz"), "[impute] ", out, ": is written as plain text; leave out .gz");
    Filler filler(rows, out, o_);
    auto plan = completion_plan(input.run->kept().get(), o_.draws, o_.m, o_.interval);
    plan.refine = o_.refine;
    Block block;
    const auto finish = [&] {
      fill(*input.model, block, rows, filler, plan);
      block = Block();
    };
    for (int64_t holes = 0; rows.next();) {
      block.add(rows);
      count_unseen(rows);
      count_left(rows);
      holes += std::count(rows.mask().begin(), rows.mask().end(), 0) > 0;
      if (!ends_block(block.size(), holes, plan)) continue;
      finish();
      holes = 0;
    }
    finish();
    filler.commit();
    check(rows_ > 0, "[impute] ", input.data, ": holds no rows");
    Json by_column = Json::object(), ways = Json::object();
    for (size_t i = 0; i < filled_.size(); ++i) {
      const auto& name = rows.cells()[i].column().name;
      if (filled_[i] > 0) by_column[name] = filled_[i];
      const auto way =
          o_.m == 1 ? way_of(plan.fills, rows.cells()[i], static_cast<int64_t>(i)) : "";
      if (filled_[i] > 0 && !way.empty()) ways[name] = way;
    }
    Json result{{"files", filler.paths()},
                {"rows", rows_},
                {"rows_with_holes", incomplete_},
                {"cells_filled", by_column}};
    if (!ways.empty()) result["filled_by"] = ways;
    if (o_.interval > 0) result["interval"] = {{"mass", o_.interval}, {"of_draws", plan.interval}};
    if (!left_.empty()) result["holes_left"] = left_;
    if (unseen_ > 0) result["unseen"] = {{"cells", unseen_}, {"first", first_unseen_}};
    if (incomplete_ > 0) {
      result["effective_draws"] = std::round(effective_ / static_cast<double>(incomplete_));
    }
    if (few_ > 0) {
      result["few_draws"] = {{"rows", few_},
                             {"effective_below", kFewDraws},
                             {"try", "--draws " + std::to_string(10 * o_.draws)}};
    }
    return result;
  }

  std::string example() const override { return "elbo impute RUN table.csv -o filled.csv"; }

 private:
  void fill(Model& model, Block& block, const TableRows& rows, Filler& filler,
            const CompletionPlan& plan) {
    const auto width = static_cast<int64_t>(rows.cells().size());
    std::vector<int64_t> with_holes;
    filled_.resize(rows.cells().size());
    for (int64_t r = 0; r < block.size(); ++r) {
      bool any = false;
      for (int64_t i = 0; i < width; ++i) {
        if (block.states[static_cast<size_t>(r * width + i)] != kAbsent) continue;
        ++filled_[static_cast<size_t>(i)];
        any = true;
      }
      if (any) with_holes.push_back(r);
    }
    rows_ += block.size();
    incomplete_ += static_cast<int64_t>(with_holes.size());
    Completion found;
    if (!with_holes.empty()) {
      const auto at = torch::tensor(with_holes);
      Batch batch;
      batch.x = torch::tensor(block.values).view({-1, width}).index_select(0, at);
      const auto states = torch::tensor(block.states).view({-1, width}).index_select(0, at);
      batch.mask = (states == kKnown).to(torch::kFloat32);
      std::vector<Column> columns;
      for (const auto& cell : rows.cells()) columns.push_back(cell.column());
      found = complete(model, batch, columns, plan);
      effective_ += found.effective.sum().item<double>();
      few_ += (found.effective < kFewDraws).sum().item<int64_t>();
    }
    filler.add(block, found, with_holes);
  }

  /// Holes in columns that the model has not learned (identifiers, constants) stay.
  void count_left(const TableRows& rows) {
    const auto& text = rows.text();
    std::vector<bool> learned(text.names().size(), false);
    for (size_t i = 0; i < rows.cells().size(); ++i) {
      learned[static_cast<size_t>(rows.place(static_cast<int64_t>(i)))] = true;
    }
    for (size_t i = 0; i < learned.size(); ++i) {
      if (learned[i] || !text.missing(trimmed(text.records().cell(static_cast<int64_t>(i)))))
        continue;
      left_[text.names()[i]] = left_.value(text.names()[i], int64_t{0}) + 1;
    }
  }

  void count_unseen(const TableRows& rows) {
    if (rows.odd().empty()) return;
    const auto& odd = rows.odd()[0];
    if (unseen_ == 0) first_unseen_ = rows.text().place() + ", " + odd.name + " = " + odd.text;
    unseen_ += static_cast<int64_t>(rows.odd().size());
  }

  ImputeOptions o_;
  int64_t rows_ = 0, incomplete_ = 0, few_ = 0, unseen_ = 0;
  std::string first_unseen_;
  double effective_ = 0;
  Json left_ = Json::object();  // holes by column
  std::vector<int64_t> filled_;
};

const bool impute_added = tasks().add<ImputeOptions>(
    "impute", "Fills the missing cells of a table, or the gaps (___) of texts",
    [](ImputeOptions options) { return std::make_shared<Impute>(std::move(options)); });

}  // namespace
}  // namespace elbo
