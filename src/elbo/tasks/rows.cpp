#include "elbo/tasks/rows.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>

#include "elbo/core/text.h"
#include "elbo/data/open.h"
#include "elbo/group/row_draws.h"
#include "elbo/io/csv.h"
#include "elbo/io/file.h"
#include "elbo/io/npy.h"
#include "elbo/io/row_file.h"

namespace elbo {
namespace {

std::optional<float> as_number(std::string cell) {
  const auto first = cell.find_first_not_of(" \t\r"), last = cell.find_last_not_of(" \t\r");
  if (first == std::string::npos) return std::nullopt;
  cell = cell.substr(first, last - first + 1);
  float value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc() || end != cell.data() + cell.size()) return std::nullopt;
  return value;
}

Tensor read_text_rows(const std::string& path) {
  CsvReader in(path, path.ends_with(".tsv") ? '\t' : ',');
  std::vector<float> values;
  int64_t width = 0, rows = 0, skipped = 0;
  while (in.next()) {
    if (in.line() == 1 && !as_number(std::string(in.cell(0)))) {  // a header
      skipped = in.cell(0) == "row";  // names of rows, as elbo encode writes them
      continue;
    }
    if (width == 0) width = in.size();
    check(in.size() == width, "[rows] ", path, ": line ", in.line(), " has ", in.size(),
          " cells, the first row has ", width);
    for (int64_t i = skipped; i < width; ++i) {
      const std::string cell(in.cell(i));
      const auto value = cell.empty() ? std::numeric_limits<float>::quiet_NaN() : as_number(cell);
      check(value.has_value(), "[rows] ", path, ": line ", in.line(), ": \"", cell,
            "\" is not a number");
      values.push_back(*value);
    }
    ++rows;
  }
  check(rows > 0, "[rows] ", path, ": holds no rows");
  return torch::tensor(values).view({rows, width - skipped});
}

/// The vector that a condition's text stands for, [1, …].
Tensor condition_row(const Schema& c, const std::string& text) {
  const int64_t size = numel(c.shape);
  const auto classes = class_names(c);
  const auto at = std::find(classes.begin(), classes.end(), text);
  if (at != classes.end() && static_cast<int64_t>(classes.size()) == size) {
    return torch::one_hot(torch::tensor({at - classes.begin()}), size)
        .to(torch::kFloat32)
        .view(with_rows(1, c.shape));
  }
  check(c.kind != Kind::kCategory || text.find(',') != std::string::npos,
        "[condition] unknown class \"", text, "\"; known: ", join(classes));
  std::vector<float> values;
  for (const auto& word : split_text(text, ',')) {
    const auto value = as_number(word);
    check(value.has_value() && std::isfinite(*value), "[condition] \"", word,
          "\" is neither a number nor a class", classes.empty() ? "" : "; known: " + join(classes));
    values.push_back(*value);
  }
  check(static_cast<int64_t>(values.size()) == size, "[condition] \"", text, "\" has ",
        values.size(), " numbers, the model's condition has ", size);
  return torch::tensor(values).view(with_rows(1, c.shape));
}

Tensor run_conditions(const Run& run, int64_t n) {
  const auto data = run.held_out(nullptr);
  const auto c = data->get(torch::arange(std::min(n, data->size()), torch::kInt64)).c;
  check(c.defined(), "[condition] ", run.data_name(), " gives no conditions; name one");
  return c.index_select(0, torch::arange(n, torch::kInt64).remainder(c.size(0)));
}

Tensor fixed_value(const CodeLayout::Part& part, const std::string& text) {
  Tensor rows;
  if (is_row_file(text)) {
    rows = read_rows(text);
  } else {
    std::vector<float> values;
    for (const auto& word : split_text(text, ',')) {
      const auto value = as_number(word);
      check(value.has_value(), "[fix] ", part.site, ": \"", word, "\" is not a number");
      values.push_back(*value);
    }
    rows = torch::tensor(values).view({1, -1});
    if (rows.size(1) == 1) rows = rows.expand({1, part.size});
  }
  check(rows.isfinite().all().item<bool>(), "[fix] ", part.site, ": a value is not finite");
  check(rows.size(1) == part.size, "[fix] ", part.site, ": found ", rows.size(1),
        " values, a row has ", part.size);
  return rows.to(part.type).reshape(with_rows(rows.size(0), part.shape));
}

RowPart shard_part(const std::string& shard, int64_t rows) {
  const auto [number, count] =
      two_whole_numbers(shard, '/').value_or(std::pair<int64_t, int64_t>());
  constexpr int64_t kMostShards = 1000000;
  check(number >= 1 && number <= count && count <= kMostShards, "[shard] found \"", shard,
        "\", expected NUMBER/COUNT as in 3/8, counted from 1");
  check(count <= rows, "[shard] ", shard, ": ", rows, " rows cannot be cut into ", count, " parts");
  const int64_t start = rows * (number - 1) / count;
  return {start, rows * number / count - start, rows};
}

}  // namespace

Tensor read_rows(const std::string& path) {
  check(is_row_file(path), "[rows] ", path, ": unknown ending; known: .csv, .npy, .tsv");
  if (!path.ends_with(".npy")) return read_text_rows(path);
  const auto rows = parse_npy(read_file(path), path);
  check(rows.dim() > 0 && rows.size(0) > 0, "[rows] ", path, ": holds no rows");
  return rows.to(torch::kFloat32).flatten(rows.dim() > 1 ? 1 : 0).view({rows.size(0), -1});
}

Json unseen_cells(const Dataset& data) {
  if (data.schemas().x.kind != Kind::kTable) return nullptr;
  int64_t cells = 0;
  std::string first;
  for (int64_t row = 0; row < data.size(); ++row) {
    const auto odd = data.odd_cells(row);
    if (cells == 0 && !odd.empty()) {
      first = data.row_name(row) + ", " + odd[0].name + " = " + odd[0].text;
    }
    cells += static_cast<int64_t>(odd.size());
  }
  return cells > 0 ? Json{{"cells", cells}, {"first", first}} : Json();
}

void tell_unseen(const Dataset& data, Json& result) {
  if (auto unseen = unseen_cells(data); !unseen.is_null()) result["unseen"] = std::move(unseen);
}

TaskRows open_task_rows(const TaskInput& input, const RowChoice& choice, OddCells odd) {
  TaskRows rows;
  const auto& run = *input.run;
  if (input.data.empty() && choice.split == "auto") {
    rows.data = run.held_out(&rows.name);
  } else if (input.data.empty()) {
    rows.name = choice.split;
    rows.data = run.open_data(choice.split);
  } else {
    const auto own = has_test_split(input.data) ? "test" : "all";
    rows.name = input.data;
    rows.data = run.open_other(input.data, choice.split == "auto" ? own : choice.split, odd,
                               choice.skip_invalid);
  }
  const int64_t n = rows.data->size();
  RowPart part{0, choice.rows > 0 ? std::min(choice.rows, n) : n, n};
  if (!choice.shard.empty()) {
    check(!input.out.empty() || !input.folder.empty(), "[shard] ", choice.shard,
          ": name the file of this part with -o, as in -o part-3.npy");
    part = shard_part(choice.shard, part.count);
    rows.first = part.first;
  }
  if (part.count < n) {
    std::vector<int64_t> chosen(static_cast<size_t>(part.count));
    std::iota(chosen.begin(), chosen.end(), part.first);
    rows.data = subset(rows.data, std::move(chosen));
  }
  return rows;
}

void for_each_placed_batch(const TaskRows& rows, int64_t block, const Draw& draw,
                           const std::function<void(const Batch&, int64_t)>& f) {
  const int64_t n = rows.data->size();
  for (int64_t at = 0; at < n;) {
    const int64_t number = (rows.first + at) / block, within = (rows.first + at) % block;
    const int64_t count = std::min(block - within, n - at);
    const RandomScope scope(Draw{draw.seed, static_cast<uint64_t>(number)}.key("block"));
    const RowDraws draws({within, count, block});
    f(rows.data->get(torch::arange(at, at + count, torch::kInt64), draw), at);
    at += count;
  }
}

Tensor conditions(const TaskInput& input, const std::string& text, int64_t n) {
  const auto& c = input.run->schemas().c;
  check(c.present() || text.empty(), "[condition] this model was trained without conditions");
  if (!c.present()) return Tensor();
  if (text.empty()) return run_conditions(*input.run, n);
  if (!is_row_file(text)) {
    return condition_row(c, text).expand(with_rows(n, c.shape));
  }
  const auto rows = read_rows(text);
  check(rows.size(1) == numel(c.shape), "[condition] ", text, ": rows of ", rows.size(1),
        " numbers, the model's condition has ", numel(c.shape));
  return rows.index_select(0, torch::arange(n, torch::kInt64).remainder(rows.size(0)))
      .view(with_rows(n, c.shape));
}

Values parse_fixed(const CodeLayout& layout, const std::string& text) {
  Values values;
  if (text.empty()) return values;
  for (const auto& [site, value] : split_pairs(text, ';', "fix", "SITE=VALUE")) {
    std::vector<std::string> known;
    const CodeLayout::Part* part = nullptr;
    for (const auto& p : layout.parts) {
      known.push_back(p.site);
      if (p.site == site) part = &p;
    }
    check(part, "[fix] unknown \"", site, "\"; known: ", join(known));
    values[site] = fixed_value(*part, value);
  }
  return values;
}

}  // namespace elbo
