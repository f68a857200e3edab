#include <algorithm>

#include "elbo/core/registry.h"
#include "elbo/data/column_types.h"

namespace elbo {
namespace {

/// The column whose name, or whose name in quotes, stands at this place with "=" behind it: the
/// longest, since names may hold "=" and commas. Its length in the text; 0 where there is none.
size_t named_at(const std::string& text, size_t from, const std::vector<std::string>& columns,
                std::string* name) {
  size_t length = 0;
  for (const auto& column : columns) {
    for (const auto& spelled : {column, '"' + column + '"'}) {
      if (spelled.size() <= length || text.compare(from, spelled.size(), spelled) != 0) continue;
      if (text.compare(from + spelled.size(), 1, "=") != 0) continue;
      length = spelled.size();
      *name = column;
    }
  }
  return length;
}

}  // namespace

std::map<std::string, NamedType> parse_types(const std::string& text,
                                             const std::vector<std::string>& columns) {
  std::map<std::string, NamedType> all;
  size_t from = 0;
  while (from < text.size()) {
    std::string name;
    const auto length = named_at(text, from, columns, &name);
    const auto equals = length > 0 ? from + length : text.find('=', from);
    check(equals != std::string::npos && equals > from, "[types] \"", text.substr(from),
          "\": expected NAME=TYPE, as in age=count,city=category");
    auto end = std::min(text.find(',', equals), text.size());
    const auto open = text.find('(', equals);
    NamedType named;
    if (open < end) {
      const auto close = text.find(')', open);
      check(close != std::string::npos, "[types] \"", text.substr(from), "\": ( without )");
      for (size_t at = open + 1; at <= close;) {
        const auto next = std::min(text.find('|', at), close);
        named.classes.push_back(text.substr(at, next - at));
        at = next + 1;
      }
      end = std::min(text.find(',', close), text.size());
    }
    named.type = text.substr(equals + 1, std::min(open, end) - equals - 1);
    if (length == 0) name = text.substr(from, equals - from);
    check(std::find(columns.begin(), columns.end(), name) != columns.end(), "[types] ", name,
          ": no such column; known: ", join(columns));
    const auto& known = column_types();
    check(std::find(known.begin(), known.end(), named.type) != known.end(), "[types] ", name,
          ": unknown type \"", named.type, "\"; known: ", join(known));
    const bool listed = named.type == "ordinal" || named.type == "category" || named.type == "date";
    check(named.classes.empty() || listed, "[types] ", name,
          ": values are listed for ordinal and category, an order for date");
    check(all.emplace(name, named).second, "[types] ", name, ": named twice");
    from = end + 1;
  }
  return all;
}

}  // namespace elbo
