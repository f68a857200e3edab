#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "elbo/host/sandbox.h"
#include "files.h"

namespace elbo {
namespace {

/// Whether `act` holds in a process of its own, which is confined first.
bool confined(const SandboxPlan& plan, const std::function<bool()>& act) {
  const pid_t child = ::fork();
  if (child == 0) {
    enter_sandbox(plan);
    ::_exit(act() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool writes(const std::string& path) { return static_cast<bool>(std::ofstream(path) << "x"); }
bool reads(const std::string& path) { return std::ifstream(path).get() != EOF; }

/// Listens on a port of this machine, or calls one; 0 or the system's error.
int with_socket(bool listens, int port) {
  const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  const int done = listens ? ::bind(s, to, sizeof address) : ::connect(s, to, sizeof address);
  const int error = done == 0 ? 0 : errno;
  ::close(s);
  return error;
}

}  // namespace

TEST_CASE("a sandbox: files beneath what was named, no program, no port") {
  const TempFolder folder;
  const auto inside = folder.file("in/a", "x"), outside = folder.file("out/b", "x");
  const SandboxPlan plan{{folder.at("in")}, {}, 0};
  const auto support = sandbox_support();
  CHECK(confined(plan, [&] {
    return writes(inside) && writes(folder.at("in/new")) && reads(outside) &&
           std::rename(folder.at("in/new").c_str(), folder.at("in/newer").c_str()) == 0;
  }));
  CHECK(confined(plan, [] { return writes("/dev/null") && with_socket(true, 0) == 0; }));
  if (support.find("Landlock") != std::string::npos) {
    CHECK(confined(plan, [&] { return !writes(outside) && !writes(folder.at("out/new")); }));
    CHECK(confined(plan, [&] { return std::remove(outside.c_str()) != 0; }));
    const SandboxPlan reader{{folder.at("in")}, {"/usr"}, std::nullopt};
    CHECK(confined(reader, [&] { return reads(inside) && !reads(outside); }));
  }
  if (support.find("ports") != std::string::npos) {
    CHECK(confined(plan, [] { return with_socket(false, 9) == EACCES; }));
    CHECK(confined({{folder.at("in")}, {}, std::nullopt},
                   [] { return with_socket(true, 0) == EACCES; }));
  }
  if (!support.empty()) {
    CHECK(confined(plan, [] {
      ::execl("/bin/true", "true", nullptr);
      return errno == EPERM || errno == EACCES;
    }));
  }
  CHECK(std::ifstream(outside).get() == 'x');
}

TEST_CASE("a sandbox: memory beyond the plan's is not given") {
  const auto given = [](size_t bytes) {
    void* memory =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED;
  };
  SandboxPlan plan{{}, {}, 0};
  CHECK(confined(plan, [&] { return given(size_t{1} << 31); }));
  plan.memory = int64_t{1} << 30;
  CHECK(confined(plan, [&] { return !given(size_t{1} << 31); }));
}

}  // namespace elbo
