#include "elbo/group/gloo_loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <filesystem>
#include <string>

namespace elbo {
namespace {

bool listens_on(int file, int64_t port) {
  int listens = 0;
  socklen_t length = sizeof listens;
  if (::getsockopt(file, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) != 0 || !listens)
    return false;
  sockaddr_storage own{};
  length = sizeof own;
  if (::getsockname(file, reinterpret_cast<sockaddr*>(&own), &length) != 0) return false;
  const auto found = own.ss_family == AF_INET6
                         ? reinterpret_cast<const sockaddr_in6&>(own).sin6_port
                         : reinterpret_cast<const sockaddr_in&>(own).sin_port;
  return (own.ss_family == AF_INET || own.ss_family == AF_INET6) && ntohs(found) == port;
}

}  // namespace

bool keep_to_loopback(int64_t port) {
  constexpr char kLoopback[] = "lo";
  bool kept = false;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", failed)) {
    const auto name = entry.path().filename().string();
    int file = -1;
    std::from_chars(name.data(), name.data() + name.size(), file);
    if (file < 0 || !listens_on(file, port)) continue;
    kept = ::setsockopt(file, SOL_SOCKET, SO_BINDTODEVICE, kLoopback, sizeof kLoopback) == 0;
  }
  return kept;
}

}  // namespace elbo
