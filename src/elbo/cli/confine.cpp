#include "elbo/cli/confine.h"

#include <sys/resource.h>

#include <algorithm>

#include "elbo/data/source.h"
#include "elbo/host/sandbox.h"
#include "elbo/io/memory_bound.h"

namespace elbo {
namespace {

namespace fs = std::filesystem;

/// The folder that a path would be made in: the nearest that there is.
fs::path folder_of(const fs::path& path) {
  std::error_code failed;
  auto folder = fs::absolute(path, failed).lexically_normal();
  if (!fs::is_directory(folder, failed)) folder = folder.parent_path();
  while (!fs::is_directory(folder, failed) && folder.has_relative_path())
    folder = folder.parent_path();
  return folder;
}

/// The same of a link and of what it leads to.
void add_folders(std::vector<std::string>& list, const fs::path& path) {
  std::error_code failed;
  list.push_back(folder_of(path).string());
  const auto real = fs::weakly_canonical(path, failed);
  if (!failed) list.push_back(folder_of(real).string());
}

std::vector<std::string> folders_in(const char* variable) {
  std::vector<std::string> found;
  const char* text = std::getenv(variable);
  std::string all = text ? text : "";
  for (size_t from = 0; from < all.size();) {
    const auto to = std::min(all.find(':', from), all.size());
    if (to > from) found.push_back(all.substr(from, to - from));
    from = to + 1;
  }
  return found;
}

/// Where libraries, time zones, names of machines and tables of chemistry lie.
std::vector<std::string> system_folders() {
  std::vector<std::string> found{"/usr", "/lib",  "/lib64", "/etc", "/opt",
                                 "/nix", "/proc", "/sys",   "/dev"};
  for (const char* variable : {"LD_LIBRARY_PATH", "RDBASE", "ELBO_DATA"}) {
    for (auto& folder : folders_in(variable)) found.push_back(std::move(folder));
  }
  std::error_code failed;
  found.push_back(fs::read_symlink("/proc/self/exe", failed).parent_path().string());
  return found;
}

/// What the run's data are read from; empty where they are not a single file or folder.
std::vector<std::string> folders_of_data(const Run& run) {
  std::vector<std::string> found;
  if (!run.data_here()) return {"/dev/null"};
  const auto source = run.data_source();
  const bool built_in = source.starts_with("builtin:");
  const auto path = built_in ? fs::path() : fs::path(elbo::data_path(source));
  std::error_code failed;
  if (!built_in && !fs::exists(path, failed)) return {};
  if (!built_in) add_folders(found, path);
  const auto options = run.data_options("train");
  for (const auto& other : {options.labels, options.without}) {
    if (!other.empty()) add_folders(found, other);
  }
  found.push_back("/dev/null");
  return found;
}

/// What the system counts for the stack of a thread.
int64_t stack_bytes() {
  constexpr int64_t kUsual = int64_t{1} << 23;
  rlimit bound{};
  const bool bounded = ::getrlimit(RLIMIT_STACK, &bound) == 0 && bound.rlim_cur != RLIM_INFINITY;
  return bounded ? static_cast<int64_t>(bound.rlim_cur) : kUsual;
}

}  // namespace

void add_sandbox_flag(CLI::App& app, bool& without) {
  app.add_flag("--no-sandbox", without,
               "keep all rights of the process while it reads the run (elbo doctor shows what the "
               "sandbox is made of)");
}

void confine(const std::vector<std::shared_ptr<const Run>>& runs, const Confinement& what) {
  SandboxPlan plan;
  std::error_code failed;
  plan.written.push_back(fs::temp_directory_path(failed).string());
  if (!what.serves) plan.written.push_back(fs::current_path(failed).string());
  for (const auto& output : what.outputs) {
    if (!output.empty()) add_folders(plan.written, output);
  }
  for (const auto& run : runs) add_folders(plan.written, run->path());
  if (what.serves) {
    plan.port = static_cast<int>(what.port);
    auto data = folders_of_data(*runs.front());
    if (!data.empty()) {
      plan.read = system_folders();
      plan.read.insert(plan.read.end(), data.begin(), data.end());
      plan.read.insert(plan.read.end(), what.inputs.begin(), what.inputs.end());
    }
  }
  plan.memory = most_of_process();
  if (plan.memory > 0) plan.memory += what.threads * stack_bytes();
  enter_sandbox(plan);
}

}  // namespace elbo
