#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace elbo {

/// What a request says of itself before its body is read.
struct RequestHead {
  std::string method, path;
  std::function<std::string(const char*)> header;  // empty where there is none
  std::optional<std::string> token;                // the parameter of the address
  bool has_body = false;
};

struct Refusal {
  int status;
  std::string why;
  std::vector<std::pair<std::string, std::string>> headers = {};
};

/// Whom a server answers. A page of another site reaches it through its reader's browser, also by a
/// name that stands for this machine's address: names and origins are compared with a list.
class Access {
 public:
  /// `host`: what the server listens on; `names`: further names that clients may call it by.
  Access(const std::string& host, const std::vector<std::string>& names, std::string token);
  /// Needed for the cookie's name: cookies know no ports.
  void set_port(int port) { cookie_ = "elbo_" + std::to_string(port); }

  /// What speaks against a request; none = nothing.
  std::optional<Refusal> refuse(const RequestHead& request) const;

 private:
  bool knows_host(const std::string& host) const;
  bool has_token(const RequestHead& request) const;
  std::optional<Refusal> refuse_origin(const RequestHead& request) const;
  std::optional<Refusal> refuse_token(const RequestHead& request) const;

  std::vector<std::string> names_;
  bool any_address_ = false;
  std::string token_, cookie_ = "elbo";
};

/// Whether an address is one of this machine's own.
bool is_loopback(const std::string& host);

}  // namespace elbo
