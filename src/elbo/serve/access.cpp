#include "elbo/serve/access.h"

#include <arpa/inet.h>

#include <algorithm>

#include "elbo/core/text.h"

namespace elbo {
namespace {

/// Without a difference in time that would tell how much of it was right.
bool same_text(const std::string& a, const std::string& b) {
  unsigned char difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i] ^ b[b.empty() ? 0 : i % b.size()]);
  }
  return difference == 0;
}

/// The name in a Host header: without its port, small letters, an IPv6 address without brackets.
std::string name_in(const std::string& given) {
  auto host = lower_case(given);
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  host = host.substr(0, host.rfind(':'));
  while (host.ends_with('.')) host.pop_back();
  return host;
}

bool is_address(const std::string& host) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

std::string cookie_in(const RequestHead& request, const std::string& name) {
  const auto all = request.header("Cookie");
  for (size_t at = 0; at < all.size();) {
    const auto end = std::min(all.find(';', at), all.size());
    auto one = all.substr(at, end - at);
    one.erase(0, std::min(one.find_first_not_of(' '), one.size()));
    if (one.starts_with(name + "=")) return one.substr(name.size() + 1);
    at = end + 1;
  }
  return "";
}

bool only_reads(const RequestHead& request) {
  return request.method == "GET" || request.method == "HEAD";
}

}  // namespace

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || (host.starts_with("127.") && is_address(host));
}

Access::Access(const std::string& host, const std::vector<std::string>& names, std::string token)
    : any_address_(host == "0.0.0.0" || host == "::"), token_(std::move(token)) {
  names_ = {name_in(host.find(':') == std::string::npos ? host : "[" + host + "]")};
  for (const auto& name : names) names_.push_back(name_in(name));
}

/// Who calls an address by its number has not been led here by a name.
bool Access::knows_host(const std::string& host) const {
  const auto name = name_in(host);
  return is_loopback(name) || std::find(names_.begin(), names_.end(), name) != names_.end() ||
         (any_address_ && is_address(name));
}

bool Access::has_token(const RequestHead& request) const {
  if (token_.empty()) return true;
  return same_text(request.header("Authorization"), "Bearer " + token_) ||
         same_text(cookie_in(request, cookie_), token_);
}

/// Browsers say which page asks, wherever it matters; programs say nothing.
std::optional<Refusal> Access::refuse_origin(const RequestHead& request) const {
  const auto host = request.header("Host"), origin = request.header("Origin");
  const bool own = origin.empty() || origin == "http://" + host || origin == "https://" + host;
  const auto site = request.header("Sec-Fetch-Site");
  const bool crosses =
      !only_reads(request) && !site.empty() && site != "same-origin" && site != "none";
  if (own && !crosses) return std::nullopt;
  return Refusal{403, "a page of another site may not ask"};
}

/// The page's address may bring the token once: it becomes a cookie, and the address loses it.
std::optional<Refusal> Access::refuse_token(const RequestHead& request) const {
  if (only_reads(request) && request.path == "/" && request.token) {
    if (!token_.empty() && !same_text(*request.token, token_))
      return Refusal{401, "the token is wrong"};
    Refusal moved{303, "see /", {{"Location", "/"}}};
    if (!token_.empty()) {
      moved.headers.emplace_back("Set-Cookie",
                                 cookie_ + "=" + token_ + "; Path=/; HttpOnly; SameSite=Strict");
    }
    return moved;
  }
  if (has_token(request)) return std::nullopt;
  return Refusal{401,
                 "a token is needed: Authorization: Bearer TOKEN, or /?token=TOKEN for the page"};
}

std::optional<Refusal> Access::refuse(const RequestHead& request) const {
  const auto host = request.header("Host");
  if (host.empty()) return Refusal{400, "the request names no host"};
  if (!knows_host(host))
    return Refusal{403, "the server is not known by this name; --allow-host NAME adds it"};
  if (auto found = refuse_origin(request)) return found;
  if (auto found = refuse_token(request)) return found;
  const auto packed = request.header("Content-Encoding");
  if (!packed.empty() && packed != "identity")
    return Refusal{415, "the body is packed; send it as it is"};
  if (!request.has_body) return std::nullopt;
  auto type = request.header("Content-Type");
  type = type.substr(0, type.find_first_of("; "));
  const bool picture = type.starts_with("image/") && request.path == "/api/encode";
  if (type == "application/json" || picture) return std::nullopt;
  return Refusal{415, "expected the header Content-Type: application/json"};
}

}  // namespace elbo
