#include <ATen/Version.h>
#include <torch/version.h>

#include <iostream>

#include "elbo/cli/flags.h"
#include "elbo/cli/result.h"
#include "elbo/core/device.h"
#include "elbo/core/parts.h"
#include "elbo/group/join.h"
#include "elbo/host/cpu.h"
#include "elbo/host/sandbox.h"

namespace elbo {
namespace {

/// One line per optional part: in use, or why not, what it costs, and what brings it.
Json parts_report() {
  Json report = Json::object();
  for (const auto& p : build_parts()) {
    report[p.name] = p.in_use ? "in use"
                              : "left out of this build (not found: " + p.missing +
                                    "); without it: " + p.lost + "; Debian packages: " + p.packages;
  }
  return report;
}

int doctor(bool json) {
  const auto cpu = cpu_report(/*measure=*/true);
  if (json) {
    Json all = to_json(cpu);
    all["elbo"] = ELBO_VERSION;
    all["libtorch"] = TORCH_VERSION;
    all["device"] = device_report();
    all["processes"] = can_join();
    all["sandbox"] = sandbox_support();
    all["left_out"] = Json::array();
    for (const auto& p : build_parts()) {
      if (!p.in_use) all["left_out"].push_back(p.name);
    }
    std::cout << all.dump() << "\n";
    return 0;
  }
  std::string why;
  can_join(&why);
  const auto sandbox = sandbox_support();
  Json shown{{"elbo", ELBO_VERSION},
             {"libtorch", TORCH_VERSION},
             {"devices", device_report()["devices"]},
             {"processes", can_join() ? "several can train together (--nproc, torchrun)" : why},
             {"sandbox", sandbox.empty() ? "not available in this system" : sandbox},
             {"processor", cpu.name},
             {"kernels", cpu.kernels},
             {"BLAS", cpu.blas.empty() ? "not in use" : cpu.blas},
             {"threads", std::to_string(cpu.threads) + " on " + std::to_string(cpu.cores) +
                             (cpu.cores == 1 ? " core" : " cores")},
             {"speed", std::to_string(static_cast<int64_t>(cpu.gflops)) +
                           " GFLOP/s in a float32 matrix product on all cores"}};
  shown.update(parts_report());
  std::cout << result_text(shown);
  if (cpu.notes.empty()) std::cout << "\nNothing found that slows this machine down.\n";
  for (const auto& note : cpu.notes) std::cout << "\n- " << note << "\n";
  return 0;
}

const bool doctor_added =
    add_command({"doctor",
                 "What this machine offers, and what slows it down",
                 {"elbo doctor"},
                 [](CLI::App& app) {
                   auto json = std::make_shared<bool>(false);
                   app.add_flag("--json", *json, "print the result as one JSON object");
                   return [json] { return doctor(*json); };
                 }});

}  // namespace
}  // namespace elbo
