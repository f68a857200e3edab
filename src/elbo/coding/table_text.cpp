#include "elbo/coding/table_text.h"

#include <cmath>
#include <limits>
#include <map>

#include "elbo/coding/column_text.h"
#include "elbo/coding/table_records.h"
#include "elbo/io/csv.h"
#include "elbo/io/packed.h"

namespace elbo {
namespace {

constexpr std::string_view kMark = "\xef\xbb\xbf";
constexpr size_t kHead = size_t{1} << 18;  // bytes by which the delimiter is found
constexpr char kWhole = 0, kTable = 1;     // the first byte of a side

/// Which records are rows, and the others.
struct Lines {
  std::vector<const TextRecord*> rows;
  std::vector<std::pair<size_t, std::string_view>> odd;  // rows before it, all of it
};

Lines lines_of(const std::vector<TextRecord>& records, const RecordLayout& layout) {
  Lines lines;
  for (size_t r = 0; r < records.size(); ++r) {
    const auto& record = records[r];
    const bool blank = record.cells.size() == 1 && record.cells[0].empty();
    if (r >= layout.first && record.cells.size() == layout.width && !blank) {
      lines.rows.push_back(&record);
    } else {
      lines.odd.emplace_back(lines.rows.size(), record.all);
    }
  }
  return lines;
}

void put_lines(SideWriter& out, const Lines& lines) {
  std::map<std::string_view, size_t> ends;
  for (const auto* row : lines.rows) ++ends[row->end];
  std::string_view usual;
  for (const auto& [end, count] : ends) {
    if (count > ends[usual]) usual = end;
  }
  out.text(usual);
  std::vector<std::pair<size_t, std::string_view>> other;
  for (size_t r = 0; r < lines.rows.size(); ++r) {
    if (lines.rows[r]->end != usual) other.emplace_back(r, lines.rows[r]->end);
  }
  for (const auto& list : {other, lines.odd}) {
    out.number(list.size());
    size_t last = 0;
    for (const auto& [row, text] : list) {
      out.number(row - last);
      out.text(text);
      last = row;
    }
  }
}

std::vector<std::pair<size_t, std::string_view>> take_list(SideReader& in) {
  std::vector<std::pair<size_t, std::string_view>> list;
  size_t last = 0;
  for (uint64_t left = in.count(); left > 0; --left) {
    last += static_cast<size_t>(in.number());
    list.emplace_back(last, in.text());
  }
  return list;
}

/// Which column of the schema stands at each place of a row, -1 for none.
std::vector<int64_t> columns_at(const RecordLayout& layout) {
  std::vector<int64_t> at(layout.width, -1);
  for (size_t j = 0; j < layout.place_of.size(); ++j) {
    if (layout.place_of[j]) at[*layout.place_of[j]] = static_cast<int64_t>(j);
  }
  return at;
}

void set_column(const Tensor& x, int64_t column, const std::vector<float>& values) {
  x.select(1, column).copy_(torch::tensor(values));
}

std::vector<float> values_of(const Tensor& x, int64_t column) {
  const auto plain = x.select(1, column).contiguous();
  const auto* from = plain.data_ptr<float>();
  return {from, from + plain.numel()};
}

TableParts split(std::string_view bytes, const Schema& table) {
  const bool marked = bytes.starts_with(kMark);
  const auto text = bytes.substr(marked ? kMark.size() : 0);
  const char delimiter = sniff_delimiter(text.substr(0, kHead));
  const auto columns = columns_of(table);
  const auto records = text_records(text, delimiter);
  const auto layout = find_layout(records, column_names(table), table.detail.value("header", true));
  if (!layout) return kept_text(bytes);
  const auto lines = lines_of(records, *layout);
  const size_t rows = lines.rows.size();
  TableParts parts;
  parts.odd_lines = static_cast<int64_t>(lines.odd.size());
  parts.x = torch::full({static_cast<int64_t>(rows), static_cast<int64_t>(columns.size())},
                        std::numeric_limits<float>::quiet_NaN());
  SideWriter out;
  out.number(rows);
  out.number(marked);
  out.number(static_cast<unsigned char>(delimiter));
  put_lines(out, lines);
  out.number(layout->width);
  const auto at = columns_at(*layout);
  std::vector<std::string_view> raw(rows);
  for (size_t place = 0; place < layout->width; ++place) {
    for (size_t r = 0; r < rows; ++r) raw[r] = lines.rows[r]->cells[place];
    if (at[place] >= 0) {
      const ColumnText column(columns[static_cast<size_t>(at[place])], delimiter);
      const auto values = column.read(raw);
      int64_t odd = 0;
      const auto lacks = column.lacks(raw, values, &odd);
      if (lacks) {
        parts.odd_cells += odd;
        set_column(parts.x, at[place], values);
        out.number(static_cast<uint64_t>(at[place]) + 1);
        out.text(*lacks);
        continue;
      }
    }
    out.number(0);
    out.text(plain_column(raw));
  }
  parts.mask = parts.x.isnan().logical_not().to(torch::kFloat32);
  parts.x.nan_to_num_(0);
  parts.side = kTable + packed(out.bytes());
  return parts;
}

/// The cells of each place of a row.
std::vector<std::vector<std::string>> join_columns(SideReader& in, const Tensor& x, char delimiter,
                                                   const std::vector<Column>& columns) {
  const auto rows = static_cast<size_t>(x.size(0));
  std::vector<std::vector<std::string>> cells;
  for (uint64_t left = in.count(); left > 0; --left) {
    const auto column = static_cast<int64_t>(in.number()) - 1;
    const auto lacks = in.text();
    if (column < 0) {
      cells.push_back(join_plain(lacks, rows));
      continue;
    }
    check(column < x.size(1), "[coding] text of the table: names column ", column,
          ", the model has ", x.size(1));
    cells.push_back(ColumnText::join(columns[static_cast<size_t>(column)], delimiter,
                                     values_of(x, column), lacks));
  }
  return cells;
}

std::string join(std::string_view side, const Tensor& x, const Schema& table) {
  SideReader in(side);
  const auto rows = static_cast<size_t>(in.number());
  check(static_cast<int64_t>(rows) == x.size(0), "[coding] text of the table: is of ", rows,
        " rows, found ", x.size(0));
  std::string bytes(in.number() != 0 ? kMark : "");
  const char delimiter = static_cast<char>(in.number());
  const std::string end(in.text());
  const auto other_ends = take_list(in), odd = take_list(in);
  const auto cells = join_columns(in, x, delimiter, columns_of(table));
  size_t next_end = 0, next_odd = 0;
  for (size_t r = 0; r <= rows; ++r) {
    for (; next_odd < odd.size() && odd[next_odd].first <= r; ++next_odd) {
      bytes += odd[next_odd].second;
    }
    if (r == rows) break;
    for (size_t place = 0; place < cells.size(); ++place) {
      if (place > 0 && delimiter != ' ') bytes += delimiter;
      bytes += cells[place][r];
    }
    const bool other = next_end < other_ends.size() && other_ends[next_end].first == r;
    if (other) {
      bytes += other_ends[next_end++].second;
    } else {
      bytes += end;
    }
  }
  return bytes;
}

}  // namespace

TableParts kept_text(std::string_view bytes) {
  TableParts parts;
  parts.side = kWhole + packed(bytes);
  return parts;
}

TableParts split_table_text(std::string_view bytes, const Schema& table) {
  auto parts = split(bytes, table);
  if (join_table_text(parts, table) != bytes) return kept_text(bytes);
  return parts;
}

std::string join_table_text(const TableParts& parts, const Schema& table) {
  check(!parts.side.empty() && parts.side[0] >= kWhole && parts.side[0] <= kTable,
        "[coding] text of the table: is of no known form");
  const auto bytes = unpacked(std::string_view(parts.side).substr(1), "coding");
  if (parts.side[0] == kWhole) return bytes;
  check(parts.x.defined(), "[coding] text of the table: its rows are not given");
  auto x = parts.x.to(torch::kCPU, torch::kFloat32);
  if (parts.mask.defined()) {
    x = x.masked_fill(parts.mask == 0, std::numeric_limits<float>::quiet_NaN());
  }
  return join(bytes, x, table);
}

int64_t rows_of_side(const std::string& side) {
  check(!side.empty(), "[coding] text of the table: is empty");
  if (side[0] == kWhole) return 0;
  const auto bytes = unpacked(std::string_view(side).substr(1), "coding");
  return static_cast<int64_t>(SideReader(bytes).number());
}

}  // namespace elbo
