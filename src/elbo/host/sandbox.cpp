#include "elbo/host/sandbox.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace elbo {
namespace {

// As linux/landlock.h of newer systems; older ones compile this, too.
namespace landlock {

struct Ruleset {
  uint64_t files, ports, scopes;
};
struct [[gnu::packed]] BeneathRule {
  uint64_t allowed;
  int32_t folder;
};
struct PortRule {
  uint64_t allowed, port;
};
constexpr long kCreate = 444, kAdd = 445, kRestrict = 446;  // system calls, alike on all processors
constexpr unsigned kAskVersion = 1;
constexpr int kBeneath = 1, kPort = 2;  // types of rules
constexpr uint64_t kExecute = 1, kWriteFile = 2, kReadFile = 4, kReadFolder = 8;
constexpr uint64_t kRemoveFolder = 1 << 4, kRemoveFile = 1 << 5;
constexpr uint64_t kAllMaking = 0x1fc0;                     // of files, devices, sockets, links
constexpr uint64_t kRename = 1 << 13, kTruncate = 1 << 14;  // to other folders; from versions 2, 3
constexpr uint64_t kBind = 1, kConnect = 2;                 // from version 4
constexpr uint64_t kScopes = 3;                             // from version 6
constexpr uint64_t kOfFiles = kExecute | kWriteFile | kReadFile | kTruncate;

long version() { return ::syscall(kCreate, nullptr, 0, kAskVersion); }

uint64_t read_rights() { return kReadFile | kReadFolder; }
uint64_t write_rights(long version) {
  uint64_t rights = kWriteFile | kRemoveFolder | kRemoveFile | kAllMaking;
  if (version >= 2) rights |= kRename;
  if (version >= 3) rights |= kTruncate;
  return rights;
}

/// A path that is not there allows nothing.
void allow(int ruleset, const std::string& path, uint64_t rights) {
  const int there = ::open(path.c_str(), O_PATH | O_CLOEXEC);
  if (there < 0) return;
  struct stat found {};
  if (::fstat(there, &found) == 0) {
    if (!S_ISDIR(found.st_mode)) rights &= kOfFiles;
    const BeneathRule rule{rights, there};
    ::syscall(kAdd, ruleset, kBeneath, &rule, 0);
  }
  ::close(there);
}

void restrict(const SandboxPlan& plan) {
  const long known = version();
  if (known < 1) return;
  const auto written = write_rights(known);
  Ruleset all{kExecute | written, 0, 0};
  if (!plan.read.empty()) all.files |= read_rights();
  if (known >= 4) all.ports = kBind | kConnect;
  if (known >= 6) all.scopes = kScopes;
  const size_t size = known >= 6 ? sizeof all : known >= 4 ? 16 : 8;
  const auto ruleset = static_cast<int>(::syscall(kCreate, &all, size, 0));
  if (ruleset < 0) return;
  for (const auto& path : plan.written) allow(ruleset, path, all.files & (written | read_rights()));
  for (const auto& path : plan.read) allow(ruleset, path, read_rights());
  // What terminals, pipes and graphics cards are opened by.
  for (const char* device : {"/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/pts"})
    allow(ruleset, device, all.files & (kWriteFile | kReadFile | kTruncate));
  if (plan.port && known >= 4) {
    const PortRule rule{kBind, static_cast<uint64_t>(*plan.port)};
    ::syscall(kAdd, ruleset, kPort, &rule, 0);
  }
  ::syscall(kRestrict, ruleset, 0);
  ::close(ruleset);
}

}  // namespace landlock

#if defined(__x86_64__)
constexpr uint32_t kProcessor = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kProcessor = AUDIT_ARCH_AARCH64;
#else
constexpr uint32_t kProcessor = 0;  // its system calls have other numbers: no filter
#endif

/// What neither models nor servers need, and what ways out are made of.
constexpr int kRefusedCalls[] = {SYS_execve,
                                 SYS_execveat,
                                 SYS_ptrace,
                                 SYS_process_vm_readv,
                                 SYS_process_vm_writev,
                                 SYS_bpf,
                                 SYS_keyctl,
                                 SYS_add_key,
                                 SYS_request_key,
                                 SYS_mount,
                                 SYS_umount2,
                                 SYS_pivot_root,
                                 SYS_setns,
                                 SYS_unshare,
                                 SYS_init_module,
                                 SYS_finit_module,
                                 SYS_delete_module,
                                 SYS_kexec_load,
                                 SYS_reboot,
                                 SYS_swapon,
                                 SYS_perf_event_open,
                                 SYS_userfaultfd};

bool has_filters() { return kProcessor != 0 && ::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0; }

/// A refused call fails with EPERM; all others, and those of other processors' programs, go on.
void refuse_calls() {
  if (!has_filters()) return;
  constexpr auto kCount = std::size(kRefusedCalls);
  std::vector<sock_filter> program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
                                   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kProcessor, 0, kCount + 1),
                                   BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (size_t i = 0; i < kCount; ++i) {
    const auto to_refusal = static_cast<uint8_t>(kCount - i);
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(kRefusedCalls[i]),
                               to_refusal, 0));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
}

void bound_memory(int64_t bytes) {
  rlimit bound{};
  if (bytes <= 0 || ::getrlimit(RLIMIT_DATA, &bound) != 0) return;
  bound.rlim_cur = std::min(bound.rlim_max, static_cast<rlim_t>(bytes));
  ::setrlimit(RLIMIT_DATA, &bound);
}

}  // namespace

void enter_sandbox(const SandboxPlan& plan) {
  bound_memory(plan.memory);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return;
  landlock::restrict(plan);
  refuse_calls();
}

std::string sandbox_support() {
  const long known = landlock::version();
  std::string found;
  if (known >= 1) {
    found = "Landlock " + std::to_string(known) + " (files" + (known >= 4 ? ", ports" : "") + ")";
  }
  if (has_filters()) found += (found.empty() ? "" : ", ") + std::string("seccomp");
  return found;
}

}  // namespace elbo
