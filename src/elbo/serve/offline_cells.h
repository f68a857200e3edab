#pragma once

#include "elbo/data/column.h"

namespace elbo {

/// How the cells of a column are spelled and read, as data for a script (web/offline.js):
///   classes           {"texts": […], "other": index of the rest, or -1}
///   numbers, dates    {"origin", "low", "high", "pattern": what may be typed}, with
///   numbers           {"number": options of Intl.NumberFormat, "point": "." or ","} and, where the
///                     type asks for it, {"least": 0}, {"whole": true}
///   dates             {"date": strftime format of Y m d H M S}; the pattern's groups 1 and 3 to 7
///                     are the year, month, day, hour, minute and second
/// What `Cells` does with a cell, the script does with these.
Json cell_rules(const Column& column);

}  // namespace elbo
