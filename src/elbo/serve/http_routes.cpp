#include "elbo/serve/http_routes.h"

#include <fstream>

#include "elbo/io/json_text.h"
#include "elbo/serve/http_error.h"
#include "elbo/serve/page.h"
#include "elbo/serve/server.h"

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

Json parsed(const Request& request) {
  return request.body.empty() ? Json::object()
                              : parse_json(request.body, "[serve] body", kBodyLimits);
}

/// An answer, or 400 for a question that makes no sense, or 500 for a defect.
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

/// A file in pieces, so that its size does not matter to memory.
void send_file(const std::string& path, Response& response) {
  static constexpr size_t kPiece = 1 << 16;
  const auto file = std::make_shared<std::ifstream>(path, std::ios::binary | std::ios::ate);
  const auto size = static_cast<size_t>(std::max<std::streamoff>(file->tellg(), 0));
  if (size == 0) return response.set_content("", "application/octet-stream");
  const auto give = [file](size_t offset, size_t length, httplib::DataSink& sink) {
    std::string piece(std::min<size_t>(length, kPiece), '\0');
    file->seekg(static_cast<std::streamoff>(offset));
    file->read(piece.data(), static_cast<std::streamsize>(piece.size()));
    const auto got = static_cast<size_t>(file->gcount());
    return got > 0 && sink.write(piece.data(), got);
  };
  response.set_content_provider(size, "application/octet-stream", give);
}

}  // namespace

void answer_error(Response& response, int status, std::string why) {
  constexpr size_t kLongest = 1000;  // messages quote what was sent
  if (why.size() > kLongest) why = why.substr(0, kLongest) + "…";
  answer(response, status, {{"error", why}});
}

void add_routes(httplib::Server& server, Explorer& explorer, Jobs& jobs) {
  server.Get("/", [](const Request&, Response& r) { r.set_content(explorer_page(), "text/html"); });
  server.Get("/openapi.json", guarded([](const Request&) { return openapi(); }));
  server.Get("/api/info", guarded([&](const Request&) { return explorer.info(); }));
  server.Get("/api/rows", guarded([&](const Request&) { return explorer.rows_info(); }));
  server.Post("/api/near", guarded([&](const Request& r) { return explorer.near(parsed(r)); }));
  server.Post("/api/layout", guarded([&](const Request& r) { return explorer.layout(parsed(r)); }));
  server.Post("/api/open", guarded([&](const Request& r) { return explorer.open(parsed(r)); }));
  server.Post("/api/decode", guarded([&](const Request& r) { return explorer.decode(parsed(r)); }));
  server.Post("/api/sample", guarded([&](const Request& r) { return explorer.sample(parsed(r)); }));
  server.Post("/api/encode", guarded([&](const Request& r) {
                const bool picture = r.get_header_value("Content-Type").rfind("image/", 0) == 0;
                return picture ? explorer.encode_picture(r.body, r.get_param_value("condition"))
                               : explorer.encode(parsed(r));
              }));
  server.Post("/api/jobs", guarded([&](const Request& r) { return jobs.add(parsed(r)); }));
  server.Get(R"(/api/jobs/(\d{1,18}))",
             guarded([&](const Request& r) { return jobs.state(r.matches[1]); }));
  server.Delete(R"(/api/jobs/(\d{1,18}))",
                guarded([&](const Request& r) { return jobs.cancel(r.matches[1]); }));
  server.Get(R"(/api/jobs/(\d{1,18})/file)", [&](const Request& r, Response& response) {
    try {
      send_file(jobs.file(r.matches[1]), response);
    } catch (const Error& e) {
      answer_error(response, 404, e.what());
    }
  });
}

}  // namespace elbo
