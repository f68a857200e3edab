#include "elbo/serve/http_answer.h"

#include "elbo/io/json_text.h"
#include "elbo/serve/http_error.h"

namespace elbo {
namespace {

using httplib::Request;
using httplib::Response;

constexpr JsonLimits kBodyLimits{16, 8 << 20, 1 << 20};

void answer(Response& response, int status, const Json& body) {
  response.status = status;
  // What a message quotes may not be UTF-8.
  response.set_content(body.dump(-1, ' ', false, Json::error_handler_t::replace),
                       "application/json");
}

}  // namespace

void answer_error(Response& response, int status, std::string why) {
  constexpr size_t kLongest = 1000;  // messages quote what was sent
  if (why.size() > kLongest) why = why.substr(0, kLongest) + "…";
  answer(response, status, {{"error", why}});
}

Json body_of(const Request& request) {
  return request.body.empty() ? Json::object()
                              : parse_json(request.body, "[serve] body", kBodyLimits);
}

httplib::Server::Handler guarded(std::function<Json(const Request&)> f) {
  return [f = std::move(f)](const Request& request, Response& response) {
    try {
      answer(response, 200, f(request));
    } catch (const HttpError& e) {
      answer_error(response, e.status, e.what());
    } catch (const Error& e) {
      answer_error(response, 400, e.what());
    } catch (const std::bad_alloc&) {
      answer_error(response, 503, "not enough memory; try again");
    } catch (const std::exception& e) {
      answer_error(response, 500, "internal error");
    }
  };
}

}  // namespace elbo
