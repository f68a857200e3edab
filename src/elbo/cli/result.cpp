#include "elbo/cli/result.h"

#include <unistd.h>

#include <algorithm>
#include <iomanip>
#include <iostream>

#include "elbo/cli/table.h"
#include "elbo/core/registry.h"
#include "elbo/core/text.h"

namespace elbo {
namespace {

bool is_numbers(const Json& list) {
  return std::all_of(list.begin(), list.end(), [](const Json& item) { return item.is_number(); });
}

std::string value_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) {
    std::ostringstream out;
    out << std::setprecision(6) << value.get<double>();
    return out.str();
  }
  if (value.is_array()) {
    constexpr size_t kShown = 8;
    if (value.size() > kShown && is_numbers(value)) {
      return value_text(*std::min_element(value.begin(), value.end())) + " to " +
             value_text(*std::max_element(value.begin(), value.end())) + " (" +
             std::to_string(value.size()) + " values)";
    }
    std::vector<std::string> items;
    for (const auto& item : value) {
      if (items.size() == kShown) break;
      items.push_back(value_text(item));
    }
    const bool more = value.size() > kShown;
    return join(items, " ") + (more ? " … (" + std::to_string(value.size()) + ")" : "");
  }
  if (value.is_object()) {
    std::vector<std::string> items;
    for (const auto& [name, item] : value.items()) {
      items.push_back(spoken(name) + " " + value_text(item));
    }
    return join(items);
  }
  return value.dump();
}

/// Sentences, not words: each stands in a line of its own.
bool is_talk(const Json& value) {
  return value.is_array() && std::any_of(value.begin(), value.end(), [](const Json& item) {
           return item.is_string() &&
                  item.get_ref<const std::string&>().find(' ') != std::string::npos;
         });
}

bool is_table(const Json& value) {
  return value.is_array() && !value.empty() &&
         std::all_of(value.begin(), value.end(), [&](const Json& row) {
           return row.is_object() && row.size() == value[0].size();
         });
}

std::string rows_text(const Json& rows) {
  // What a row is about stands first, long texts last.
  const auto is_short = [&](const auto& key) {
    constexpr size_t kLong = 24;
    return std::none_of(rows.begin(), rows.end(), [&](const Json& row) {
      const auto cell = row.value(key, Json());
      return cell.is_string() && cell.template get_ref<const std::string&>().size() > kLong;
    });
  };
  std::vector<std::string> keys;
  for (const auto& [key, value] : rows[0].items()) keys.push_back(key);
  std::stable_partition(keys.begin(), keys.end(), is_short);
  std::stable_partition(keys.begin(), keys.end(), [](const auto& key) { return key == "name"; });
  std::vector<std::string> header;
  for (const auto& key : keys) header.push_back(spoken(key));
  TextTable table(header);
  for (const auto& row : rows) {
    std::vector<std::string> cells;
    for (const auto& key : keys) cells.push_back(value_text(row.value(key, Json())));
    table.add(cells);
  }
  return table.text(output_columns());
}

constexpr const char* kError = "_standard_error";

}  // namespace

std::string result_text(const Json& result) {
  size_t width = 0;
  for (const auto& [name, value] : result.items()) {
    if (!name.ends_with(kError)) width = std::max(width, name.size());
  }
  std::string text, tables;
  for (const auto& [name, value] : result.items()) {
    if (name.ends_with(kError)) continue;
    if (is_table(value)) {
      tables += "\n" + spoken(name) + ":\n" + rows_text(value);
    } else if (is_talk(value)) {
      auto head = spoken(name);
      for (const auto& item : value) {
        head.resize(width + 2, ' ');
        text += wrapped(head + value_text(item), output_columns(), width + 2) + "\n";
        head.clear();
      }
    } else {
      auto line = spoken(name) + std::string(width + 2 - name.size(), ' ') + value_text(value);
      if (result.contains(name + kError)) line += " ± " + value_text(result[name + kError]);
      text += wrapped(line, output_columns(), width + 2) + "\n";
    }
  }
  return text + tables;
}

void print_result(const Json& result, bool json) {
  // Lines of text are what was asked for; the rest is talk.
  if (!json && result.is_object() && result.contains("text") && result["text"].is_array()) {
    const bool shown = ::isatty(STDOUT_FILENO) != 0;
    for (const auto& line : result["text"]) {
      const auto text = value_text(line);
      std::cout << (shown ? printable(text) : text) << "\n";
    }
    return;
  }
  std::cout << (json ? result.dump() + "\n" : printable(result_text(result)));
}

}  // namespace elbo
