#include "elbo/serve/http_routes.h"

#include <fstream>

#include "elbo/serve/http_answer.h"
#include "elbo/serve/page.h"
#include "elbo/serve/server.h"

namespace elbo {
namespace {

using httplib::Request;
using httplib::Response;

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

void add_routes(httplib::Server& server, Explorer& explorer, RunReport& report, Jobs& jobs) {
  server.Get("/", [](const Request&, Response& r) { r.set_content(explorer_page(), "text/html"); });
  server.Get("/report", [&](const Request&, Response& response) {
    try {
      response.set_content(report.page(), "text/html");
    } catch (const Error& e) {
      answer_error(response, 404, e.what());
    }
  });
  server.Get("/openapi.json", guarded([](const Request&) { return openapi(); }));
  server.Get("/api/info", guarded([&](const Request&) { return explorer.info(); }));
  server.Get("/api/rows", guarded([&](const Request&) { return explorer.rows_info(); }));
  server.Post("/api/near", guarded([&](const Request& r) { return explorer.near(body_of(r)); }));
  server.Post("/api/layout",
              guarded([&](const Request& r) { return explorer.layout(body_of(r)); }));
  server.Post("/api/open", guarded([&](const Request& r) { return explorer.open(body_of(r)); }));
  server.Post("/api/decode",
              guarded([&](const Request& r) { return explorer.decode(body_of(r)); }));
  server.Post("/api/sample",
              guarded([&](const Request& r) { return explorer.sample(body_of(r)); }));
  server.Post("/api/encode", guarded([&](const Request& r) {
                const bool picture = r.get_header_value("Content-Type").rfind("image/", 0) == 0;
                return picture ? explorer.encode_picture(r.body, r.get_param_value("condition"))
                               : explorer.encode(body_of(r));
              }));
  server.Post("/api/jobs", guarded([&](const Request& r) { return jobs.add(body_of(r)); }));
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
