#include <charconv>

#include "elbo/core/error.h"
#include "elbo/group/join.h"

namespace elbo {
namespace {

/// Which variables a launcher sets.
struct Names {
  const char *rank, *size, *local_rank, *local_size;
};
// A batch script of Slurm has SLURM_PROCID, too: the number of a step's tasks is srun's alone.
constexpr Names kLaunchers[] = {
    {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"},
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
     "OMPI_COMM_WORLD_LOCAL_SIZE"},
    {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_STEP_TASKS_PER_NODE"},
};
constexpr int64_t kUsualPort = 29500, kMostProcesses = 1 << 20;

std::string text_of(const Environment& variable, const char* name) {
  const char* text = variable(name);
  return text ? text : "";
}

int64_t number_of(const Environment& variable, const char* name, int64_t least, int64_t most) {
  const auto text = text_of(variable, name);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // Slurm writes "4(x2)": four tasks on each of two nodes.
  const bool whole = end == text.data() + text.size() || *end == '(' || *end == ',';
  check(!text.empty() && error == std::errc() && whole && value >= least && value <= most,
        "[launch] ", name, ": found \"", text, "\", expected a number from ", least, " to ", most);
  return value;
}

/// "node[03-07,9]" and "node03,node04" begin with the node that process 0 runs on.
std::string first_node(const std::string& list) {
  const auto open = list.find('[');
  if (open == std::string::npos || list.find(',') < open) return list.substr(0, list.find(','));
  const auto end = list.find_first_of(",-]", open);
  return list.substr(0, open) + list.substr(open + 1, end - open - 1);
}

void find_address(Launch& launch, const Environment& variable) {
  launch.address = text_of(variable, "MASTER_ADDR");
  if (launch.address.empty() && launch.local_size == launch.size) launch.address = "127.0.0.1";
  if (launch.address.empty()) launch.address = first_node(text_of(variable, "SLURM_STEP_NODELIST"));
  check(!launch.address.empty(), "[launch] ", launch.by, " is set and MASTER_ADDR is not: where ",
        "the processes meet, the name of the machine of process 0");
  launch.port = kUsualPort;
  // Two jobs on one machine need two ports.
  if (variable("SLURM_JOB_ID"))
    launch.port = 20000 + number_of(variable, "SLURM_JOB_ID", 0, INT64_MAX) % 10000;
  if (variable("MASTER_PORT")) launch.port = number_of(variable, "MASTER_PORT", 1, 65535);
  launch.hosted = text_of(variable, "TORCHELASTIC_USE_AGENT_STORE") == "True";
}

}  // namespace

std::optional<Launch> find_launch(const Environment& variable) {
  for (const auto& names : kLaunchers) {
    if (!variable(names.rank) || !variable(names.size)) continue;
    Launch launch;
    launch.by = names.rank;
    launch.size = number_of(variable, names.size, 1, kMostProcesses);
    launch.rank = number_of(variable, names.rank, 0, launch.size - 1);
    launch.local_rank = launch.rank;
    launch.local_size = 1;
    if (variable(names.local_rank)) {
      launch.local_rank = number_of(variable, names.local_rank, 0, launch.size - 1);
      launch.local_size = launch.local_rank + 1;
    }
    if (variable(names.local_size))
      launch.local_size = number_of(variable, names.local_size, 1, launch.size);
    if (launch.size == 1) return std::nullopt;
    find_address(launch, variable);
    launch.secret = text_of(variable, "ELBO_SECRET");
    return launch;
  }
  return std::nullopt;
}

}  // namespace elbo
