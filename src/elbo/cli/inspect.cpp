#include <algorithm>
#include <iostream>

#include "elbo/cli/flags.h"
#include "elbo/cli/result.h"
#include "elbo/cli/run_arguments.h"
#include "elbo/core/text.h"
#include "elbo/data/column.h"
#include "elbo/data/dataset.h"
#include "elbo/data/open.h"
#include "elbo/data/recognise.h"

namespace elbo {
namespace {

struct InspectArguments {
  std::string data, data_folder;
  bool json = false;
  std::shared_ptr<Flags> data_flags, reader_flags;
};

/// A few classes, or the range of numbers, in the spelling of the column.
std::string values_of_column(const Column& column) {
  if (column.numeric()) {
    const Cells cells(column);
    return cells.text(column.low - column.origin) + " to " +
           cells.text(column.high - column.origin);
  }
  constexpr size_t kShown = 5;
  const auto& all = column.classes;
  const std::vector<std::string> some(
      all.begin(), all.begin() + static_cast<int64_t>(std::min(kShown, all.size())));
  return join(some) + (all.size() > kShown ? ", … (" + std::to_string(all.size()) + ")" : "");
}

/// [D] missing cells of each column of a table.
std::vector<int64_t> missing_cells(const Dataset& data) {
  std::vector<int64_t> missing(static_cast<size_t>(numel(data.schemas().x.shape)), 0);
  for_each_batch(data, 4096, {}, [&](const Batch& batch, int64_t) {
    if (!batch.mask.defined()) return;
    const auto holes = (batch.mask == 0).sum(0).to(torch::kInt64).contiguous();
    for (size_t i = 0; i < missing.size(); ++i) missing[i] += holes.data_ptr<int64_t>()[i];
  });
  return missing;
}

Json inspection(const std::string& name, const Dataset& data) {
  const auto schemas = data.schemas();
  Json result{{"data", name},
              {"rows", data.size()},
              {"kind", to_string(schemas.x.kind)},
              {"shape", schemas.x.shape}};
  if (schemas.y.present()) result["label"] = class_names(schemas.y);
  if (schemas.x.kind == Kind::kTable) {
    const auto missing = missing_cells(data);
    const auto columns = columns_of(schemas.x);
    result["columns"] = Json::array();
    for (size_t i = 0; i < columns.size(); ++i) {
      result["columns"].push_back({{"name", columns[i].name},
                                   {"type", columns[i].type},
                                   {"values", values_of_column(columns[i])},
                                   {"missing", missing[i]}});
    }
  }
  result["notes"] = schemas.x.notes();
  return result;
}

int inspect(const InspectArguments& a) {
  use_data_folder(a.data_folder);
  auto given = a.data_flags->given();
  given["reader"] = a.reader_flags->given();
  auto options = read_options<DataOptions>(given, "data");
  const auto taken = recognised(a.data, options);
  const auto data = open_data(taken.source, options);
  auto result = inspection(taken.source, *data);
  if (!taken.note.empty()) result["notes"].push_back(taken.note);
  if (a.json) {
    std::cout << result.dump() << "\n";
    return 0;
  }
  const auto notes = result["notes"];
  result.erase("notes");
  std::cout << result_text(result);
  for (const auto& note : notes) std::cout << "note: " << note.get<std::string>() << "\n";
  return 0;
}

Command::Body declare_inspect(CLI::App& app) {
  auto a = std::make_shared<InspectArguments>();
  app.add_option("DATA", a->data, "data: a file, folder or archive, READER:PATH, or builtin:NAME")
      ->required();
  add_data_folder(app, a->data_folder);
  app.add_flag("--json", a->json, "print the result as one JSON object");
  auto options = describe<DataOptions>();
  options.erase(std::remove_if(options.begin(), options.end(),
                               [](const auto& option) { return option.name == "reader"; }),
                options.end());
  a->data_flags = Flags::add(app, options, "Data", {{"seed", "data-seed"}});
  a->reader_flags = Flags::add(app, reader_options(), "Reader-specific options");
  return [a] { return inspect(*a); };
}

const bool inspect_added =
    add_command({"inspect",
                 "What DATA are taken for, column by column, and what is left out",
                 {"elbo inspect table.csv", "elbo inspect photos/ --resize 64x64"},
                 declare_inspect});

}  // namespace
}  // namespace elbo
