// LD_PRELOAD: makes the n-th call of one kind fail, and those behind it where a full disk would.
//   ELBO_FAULT=KIND:N       write, rename, fsync, malloc or thread; N from 1
//   ELBO_FAULT_COUNT=FILE   receives how many calls of each kind there were, a line each, at the
//   end
// Counted are writes to plain files, allocations of 64 KB and more. Linux with glibc.

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_memalign(size_t alignment, size_t size);
}

namespace {

enum Kind { kWrite, kRename, kFsync, kMalloc, kThread, kKinds };
constexpr const char* kNames[kKinds] = {"write", "rename", "fsync", "malloc", "thread"};
constexpr size_t kLarge = 1 << 16;

std::atomic<long> counts[kKinds];
int failing = -1;
long failing_call = 0;

struct Setup {
  Setup() {
    const char* text = std::getenv("ELBO_FAULT");
    const char* colon = text ? std::strchr(text, ':') : nullptr;
    if (!colon) return;
    for (int kind = 0; kind < kKinds; ++kind) {
      const size_t size = std::strlen(kNames[kind]);
      if (size == static_cast<size_t>(colon - text) && std::memcmp(text, kNames[kind], size) == 0)
        failing = kind;
    }
    failing_call = std::atol(colon + 1);
  }
  ~Setup() {
    const char* path = std::getenv("ELBO_FAULT_COUNT");
    std::FILE* file = path ? std::fopen(path, "w") : nullptr;
    if (!file) return;
    for (int kind = 0; kind < kKinds; ++kind)
      std::fprintf(file, "%s %ld\n", kNames[kind], counts[kind].load());
    std::fclose(file);
  }
} setup;

/// Whether this call fails: only the n-th one.
bool fails(Kind kind) { return ++counts[kind] == failing_call && failing == kind; }

template <class Function>
Function next(Function, const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

/// oneDNN 3 does not look whether it was given memory.
bool looks_not(void* caller) {
  Dl_info found{};
  return ::dladdr(caller, &found) != 0 && found.dli_fname &&
         std::strstr(found.dli_fname, "libdnnl.so.3") != nullptr;
}

bool refuses_memory(size_t size, void* caller) {
  return size >= kLarge && !looks_not(caller) && fails(kMalloc);
}

bool is_plain(int descriptor) {
  struct stat found {};
  return ::fstat(descriptor, &found) == 0 && S_ISREG(found.st_mode);
}

}  // namespace

#pragma GCC visibility push(default)  // the project hides what is not said to be public
extern "C" {

ssize_t write(int descriptor, const void* bytes, size_t size) {
  static const auto real = next(&::write, "write");
  if (is_plain(descriptor) && fails(kWrite)) {
    errno = ENOSPC;
    return -1;
  }
  return real(descriptor, bytes, size);
}

size_t fwrite(const void* bytes, size_t size, size_t count, FILE* file) {
  static const auto real = next(&::fwrite, "fwrite");
  if (is_plain(::fileno(file)) && fails(kWrite)) {
    errno = ENOSPC;
    return 0;
  }
  return real(bytes, size, count, file);
}

int rename(const char* from, const char* to) noexcept {
  static const auto real = next(&::rename, "rename");
  if (fails(kRename)) {
    errno = EIO;
    return -1;
  }
  return real(from, to);
}

int fsync(int descriptor) {
  static const auto real = next(&::fsync, "fsync");
  if (fails(kFsync)) {
    errno = EIO;
    return -1;
  }
  return real(descriptor);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* how, void* (*start)(void*),
                   void* argument) noexcept {
  static const auto real = next(&::pthread_create, "pthread_create");
  if (fails(kThread)) return EAGAIN;
  return real(thread, how, start, argument);
}

void* malloc(size_t size) noexcept {
  if (refuses_memory(size, __builtin_return_address(0))) {
    errno = ENOMEM;
    return nullptr;
  }
  return __libc_malloc(size);
}

int posix_memalign(void** to, size_t alignment, size_t size) noexcept {
  if (refuses_memory(size, __builtin_return_address(0))) return ENOMEM;
  *to = __libc_memalign(alignment, size);
  return *to || size == 0 ? 0 : ENOMEM;
}

}  // extern "C"
#pragma GCC visibility pop
