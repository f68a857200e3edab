#include "elbo/tasks/impute_text.h"

#include "elbo/io/csv.h"
#include "elbo/io/file.h"
#include "elbo/tasks/text_gaps.h"

namespace elbo {
namespace {

/// Lines with gaps: those of a file, or DATA itself where it is such a line.
std::vector<std::string> lines_with_gaps(const std::string& data) {
  std::error_code ignored;
  if (!std::filesystem::exists(data, ignored)) {
    check(data.find(kGap) != std::string::npos, "[impute] ", data,
          ": no such file, and no text with a gap, written ", kGap);
    return {data};
  }
  std::istringstream lines(read_maybe_gzip(data));
  std::vector<std::string> list;
  int64_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    check(is_utf8(line), "[impute] ", data, ": line ", number, " is not UTF-8");
    list.push_back(line);
  }
  check(!list.empty(), "[impute] ", data, ": holds no text");
  return list;
}

double rounded_share(double p) { return std::round(p * 1e4) / 1e4; }

}  // namespace

Json impute_text(const TaskInput& input, const TextFillPlan& plan) {
  check(!input.run->schemas().c.present(), "[impute] the model has conditions, texts give none");
  const auto& schema = input.run->schemas().x;
  const auto layout = code_layout(*input.model, input.run->schemas());
  const auto lines = lines_with_gaps(input.data);
  std::string whole;
  Json shown = Json::array();
  int64_t filled = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    input.progress(static_cast<double>(i) / static_cast<double>(lines.size()));
    if (lines[i].find(kGap) == std::string::npos) {
      whole += lines[i] + '\n';
      continue;
    }
    const auto found =
        fill_gaps(*input.model, schema, layout, lines[i], {plan.draws, plan.longest});
    ++filled;
    whole += found.front().text + '\n';
    const auto most = std::min(found.size(), static_cast<size_t>(plan.fillings));
    for (size_t k = 0; k < most; ++k) {
      shown.push_back(
          {{"probability", rounded_share(found[k].probability)}, {"text", found[k].text}});
    }
  }
  check(filled > 0, "[impute] ", input.data, ": no line has a gap, written ", kGap);
  if (input.out.empty()) return {{"fillings", shown}};
  write_file_atomic(input.out.string(), whole);
  return {{"file", input.out.string()}, {"rows", lines.size()}, {"rows_with_holes", filled}};
}

}  // namespace elbo
