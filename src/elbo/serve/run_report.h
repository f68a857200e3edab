#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "elbo/train/run.h"

namespace elbo {

/// The report of a served run: the page that lies in the run, else one made when it is first asked
/// for.
class RunReport {
 public:
  explicit RunReport(std::shared_ptr<const Run> run) : run_(std::move(run)) {}
  const std::string& page();

 private:
  std::shared_ptr<const Run> run_;
  std::mutex one_at_a_time_;
  std::string page_;
};

}  // namespace elbo
