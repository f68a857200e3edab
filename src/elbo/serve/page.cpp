#include "elbo/serve/page.h"

#include "elbo/core/error.h"
#include "elbo/io/web.h"

namespace elbo {
namespace {

/// `text` in place of the comment that marks where it goes.
void put(std::string& page, const std::string& name, const std::string& text) {
  const auto mark = "<!-- " + name + " -->";
  const auto at = page.find(mark);
  check(at != std::string::npos, "[web] explorer.html has no ", mark);
  page.replace(at, mark.size(), text);
}

}  // namespace

std::string explorer_page(const std::string& policy, const std::string& before_script) {
  auto page = web_file("explorer.html");
  put(page, "policy", policy);
  put(page, "style", "<style>\n" + web_file("palette.css") + web_file("explorer.css") + "</style>");
  put(page, "script",
      before_script + "<script type=\"module\">\n" + web_file("explorer.js") + "</script>");
  return page;
}

}  // namespace elbo
