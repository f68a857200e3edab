#include "elbo/cli/findings.h"

#include <sstream>

#include "elbo/cli/table.h"

namespace elbo {

std::string finding_text(const Json& finding) {
  std::ostringstream out;
  out.precision(3);
  out << "finding: " << finding["says"].get<std::string>() << " ["
      << finding["figure"].get<std::string>() << ": " << finding["value"].get<double>()
      << ", threshold " << finding["threshold"].get<double>() << "]";
  constexpr size_t kIndent = 9;
  return wrapped(out.str(), output_columns(), kIndent) + "\n" +
         wrapped("         try " + finding["cure"].get<std::string>(), output_columns(), kIndent);
}

}  // namespace elbo
