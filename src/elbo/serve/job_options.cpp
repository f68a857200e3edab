#include "elbo/serve/job_options.h"

#include <algorithm>
#include <cmath>

#include "elbo/io/row_file.h"
#include "elbo/serve/http_error.h"

namespace elbo {
namespace {

constexpr size_t kLongestText = 4096;

bool is_shard(const std::string& text) {
  const auto slash = text.find('/');
  return slash != std::string::npos && slash > 0 && slash + 1 < text.size() &&
         text.find_first_not_of("0123456789/") == std::string::npos &&
         text.find('/', slash + 1) == std::string::npos;
}

/// A class, numbers, or NAME=VALUE of those: a part with a file's ending would be read as a file.
bool is_plain_value(const std::string& text) {
  if (text.find('/') != std::string::npos) return false;
  size_t from = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && std::string_view(";:,=").find(text[i]) == std::string_view::npos)
      continue;
    if (is_row_file(text.substr(from, i - from))) return false;
    from = i + 1;
  }
  return !is_row_file(text);
}

bool is_any_text(const std::string&) { return true; }

struct TextOption {
  const char* name;
  bool (*allows)(const std::string&);
};
// Texts that tasks read as values. What is not here, as "normal", names data of the machine.
constexpr TextOption kTexts[] = {
    {"condition", is_plain_value}, {"fix", is_plain_value},        {"set", is_plain_value},
    {"along", is_plain_value},     {"orthogonal", is_plain_value}, {"amount", is_plain_value},
    {"anomalies", is_plain_value}, {"threshold", is_plain_value},  {"where", is_any_text},
    {"property", is_any_text},     {"from", is_any_text},          {"shard", is_shard}};

bool allows(const OptionHelp& option, const std::string& text) {
  if (text.empty()) return true;
  const auto& words = option.allowed.words;
  if (!words.empty()) return std::find(words.begin(), words.end(), text) != words.end();
  const auto known = std::find_if(std::begin(kTexts), std::end(kTexts),
                                  [&](const TextOption& t) { return option.name == t.name; });
  return known != std::end(kTexts) && text.size() <= kLongestText && known->allows(text);
}

double number_of(const Json& options, const char* name, double usual) {
  const auto value = options.value(name, Json(usual));
  return value.is_number() ? std::max(1.0, value.get<double>()) : 1.0;
}

/// The most rows that a task holds at a time beside those of one block of data.
double rows_at_once(const Json& options) {
  return std::max({number_of(options, "draws", 50) * number_of(options, "stops", 1),
                   number_of(options, "dimensions", 10) * number_of(options, "steps", 10),
                   number_of(options, "m", 1) * number_of(options, "draws", 50),
                   number_of(options, "show", 1) * number_of(options, "steps", 1),
                   number_of(options, "views", 1), number_of(options, "beam", 1)});
}

}  // namespace

void check_job_options(const Registry<Task>::Entry& task, const Json& options) {
  for (const auto& [name, value] : options.items()) {
    const auto option = std::find_if(task.options.begin(), task.options.end(),
                                     [&, n = name](const auto& o) { return o.name == n; });
    if (option == task.options.end()) unknown_option("jobs] [" + task.name, name, task.options);
    const bool plain = value.is_boolean() ||
                       (value.is_number() && std::isfinite(value.get<double>())) ||
                       (value.is_string() && allows(*option, value.get<std::string>()));
    check(plain, "[jobs] options: ", name,
          ": only values are allowed here, none that could name a file");
  }
}

void check_job_size(const Json& options, const Schemas& schemas, const JobBudget& budget) {
  constexpr double kFloat = 4, kCopies = 16;  // activations and temporaries of a row, in its size
  const auto row = static_cast<double>(std::max<int64_t>(numel(schemas.x.shape), 64));
  const auto condition = schemas.c.present() ? static_cast<double>(numel(schemas.c.shape)) : 0.0;
  const double rows = std::max(number_of(options, "n", 64), number_of(options, "rows", 1));
  const double memory =
      rows_at_once(options) * row * kFloat * kCopies + rows * (condition + 1) * kFloat * 2;
  const auto limit = static_cast<double>(budget.memory);
  const auto megabytes = [](double bytes) { return std::to_string(std::llround(bytes / 1048576)); };
  if (memory > limit) {
    throw HttpError(413, "the job would take about " + megabytes(memory) + " MB, allowed " +
                             megabytes(limit) + " (elbo serve --job-memory)");
  }
  std::error_code unknown;
  const auto space = std::filesystem::space(budget.folder, unknown);
  constexpr double kNumber = 12;  // bytes of a number written as text
  const double written =
      number_of(options, "n", 64) * static_cast<double>(numel(schemas.x.shape)) * kNumber;
  if (!unknown && written > static_cast<double>(space.available) / 2) {
    throw HttpError(413, "the job would write about " + megabytes(written) +
                             " MB, more than half of what is free");
  }
}

}  // namespace elbo
