#include "elbo/io/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>

#include "elbo/core/error.h"

namespace elbo {
namespace {

/// "process 12 on HOST", which the holder has written; printable letters alone.
std::string holder_in(int file) {
  char text[128] = {};
  const auto got = ::pread(file, text, sizeof text - 1, 0);
  std::string holder;
  for (ssize_t i = 0; i < got; ++i) {
    if (text[i] >= ' ' && text[i] <= '~') holder += text[i];
  }
  return holder.empty() ? "another process" : holder;
}

std::string own_name() {
  char host[65] = {};
  ::gethostname(host, sizeof host - 1);
  return "process " + std::to_string(::getpid()) + " on " + host;
}

/// Whether `path` still names this open file: who held it before may have removed it meanwhile.
bool is_still(int file, const std::string& path) {
  struct stat open {
  }, named{};
  return ::fstat(file, &open) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         open.st_ino == named.st_ino && open.st_dev == named.st_dev;
}

}  // namespace

FolderLock::FolderLock(const std::string& folder) : path_(folder + "/.lock") {
  for (;;) {
    const int file =
        ::open(path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    if (file < 0) {
      check(errno != ELOOP, "[lock] ", path_, ": is a link, which is not followed");
      return;
    }
    if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
      const bool held = errno == EWOULDBLOCK;
      const auto holder = held ? holder_in(file) : "";
      ::close(file);
      check(!held, "[lock] ", folder, ": ", holder, " is writing to it");
      return;
    }
    if (!is_still(file, path_)) {
      ::close(file);
      continue;
    }
    descriptor_ = file;
    const auto name = own_name();
    const bool written =
        ::ftruncate(file, 0) == 0 && ::pwrite(file, name.data(), name.size(), 0) > 0;
    (void)written;  // a full disk keeps nobody from holding the lock
    return;
  }
}

bool is_left_locked(const std::string& folder) {
  const int file =
      ::open((folder + "/.lock").c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return false;
  const bool free = ::flock(file, LOCK_EX | LOCK_NB) == 0;
  ::close(file);
  return free;
}

FolderLock::~FolderLock() {
  if (descriptor_ < 0) return;
  ::unlink(path_.c_str());
  ::close(descriptor_);
}

std::shared_ptr<FolderLock> FolderLock::take(const std::string& folder) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<FolderLock>> held;
  std::error_code ignored;
  const auto key = std::filesystem::canonical(folder, ignored).string();
  const std::lock_guard lock(mutex);
  std::erase_if(held, [](const auto& one) { return one.second.expired(); });
  auto& entry = held[key];
  auto found = entry.lock();
  if (!found) {
    found = std::shared_ptr<FolderLock>(new FolderLock(folder));
    entry = found;
  }
  return found;
}

}  // namespace elbo
