#include "elbo/cli/findings.h"

#include <unistd.h>

#include <sstream>

#include "elbo/cli/table.h"
#include "elbo/core/text.h"

namespace elbo {

std::string finding_text(const Json& finding) {
  std::ostringstream out;
  out.precision(3);
  out << "finding: " << finding["says"].get<std::string>() << " ["
      << finding["figure"].get<std::string>() << ": " << finding["value"].get<double>()
      << ", threshold " << finding["threshold"].get<double>() << "]";
  constexpr size_t kIndent = 9;
  auto text = wrapped(printable(out.str()), output_columns(), kIndent);
  const std::string head = "finding:";
  constexpr int kYellow = 33;
  text.replace(0, head.size(), coloured(head, kYellow, STDOUT_FILENO));
  return text + "\n" +
         wrapped("         try " + printable(finding["cure"].get<std::string>()), output_columns(),
                 kIndent);
}

}  // namespace elbo
