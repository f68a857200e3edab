#include "elbo/serve/run_report.h"

#include "elbo/io/file.h"
#include "elbo/tasks/report.h"

namespace elbo {

const std::string& RunReport::page() {
  const std::lock_guard lock(one_at_a_time_);
  if (!page_.empty()) return page_;
  const auto written = run_->path() / "report.html";
  page_ = std::filesystem::is_regular_file(written)
              ? read_plain_file(written.string())
              : report_page({run_}, ReportOptions{}, [](double) {});
  return page_;
}

}  // namespace elbo
