#include "elbo/serve/http_rules.h"

#include "elbo/serve/http_answer.h"

namespace elbo {
namespace {

using httplib::Request;
using httplib::Response;

RequestHead head_of(const Request& request) {
  RequestHead head{request.method, request.path, {}, std::nullopt, has_body(request)};
  head.header = [&request](const char* name) { return request.get_header_value(name); };
  if (request.has_param("token")) head.token = request.get_param_value("token");
  return head;
}

/// Judges a request by its head, before its body is read.
httplib::Server::HandlerResponse judge(const Request& request, Response& response,
                                       const Access& access, const HttpLimits& limits) {
  using Result = httplib::Server::HandlerResponse;
  auto* connection = HttpConnection::current();
  if (const auto [status, why] = wrong_frame(request, limits); status != 0) {
    connection->close_after();
    answer_error(response, status, why);
    return Result::Handled;
  }
  const auto refusal = access.refuse(head_of(request));
  if (!refusal) return Result::Unhandled;
  // Its body has not been read and must not be taken for the next request.
  if (has_body(request)) connection->close_after();
  answer_error(response, refusal->status, refusal->why);
  for (const auto& [name, value] : refusal->headers) response.set_header(name, value);
  return Result::Handled;
}

const char* reason(int status) {
  switch (status) {
    case 404:
      return "nothing there; /openapi.json lists what is";
    case 408:
      return "the request took too long";
    case 413:
      return "the body is too large";
    case 414:
      return "the address is too long";
    case 431:
      return "the headers are too long";
    case 503:
      return "too much is being held for clients; try again";
    default:
      return "the request was not understood";
  }
}

}  // namespace

void set_rules(httplib::Server& server, const Access& access, const HttpLimits& limits) {
  server.set_tcp_nodelay(true);  // a short answer does not wait for the client's acknowledgement
  server.set_default_headers({{"X-Content-Type-Options", "nosniff"}, {"X-Frame-Options", "DENY"}});
  server.set_pre_routing_handler([&](const Request& request, Response& response) {
    return judge(request, response, access, limits);
  });
  server.set_error_handler([](const Request&, Response& response) {
    if (const int failure = HttpConnection::current()->failure(); failure != 0) {
      response.status = failure;
      response.body.clear();
    }
    if (response.body.empty()) answer_error(response, response.status, reason(response.status));
  });
  server.set_post_routing_handler([](const Request&, Response& response) {
    if (HttpConnection::current()->hold(response.body.size())) return;
    answer_error(response, 503, reason(503));
  });
}

}  // namespace elbo
