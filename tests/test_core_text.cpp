#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <doctest/doctest.h>
#include <torch/cuda.h>

#include "elbo/core/error.h"
#include "elbo/core/random.h"
#include "elbo/core/text.h"

using namespace elbo;

TEST_CASE("lists are split, an empty part at the end included") {
  CHECK(split_text("a,,b,", ',') == std::vector<std::string>{"a", "", "b", ""});
}

TEST_CASE("pairs keep their order, and what lacks an equals sign is refused by name") {
  const auto pairs = split_pairs("z=1,2;y=a=b", ';', "fix", "SITE=VALUE");
  CHECK(pairs == std::vector<std::pair<std::string, std::string>>{{"z", "1,2"}, {"y", "a=b"}});
  CHECK_THROWS_WITH_AS(split_pairs("z", ';', "fix", "SITE=VALUE"),
                       "[fix] \"z\": expected SITE=VALUE", Error);
}

TEST_CASE("two whole numbers are read with the sign between them, and nothing else is") {
  CHECK(two_whole_numbers("64x32", 'x') == std::pair<int64_t, int64_t>(64, 32));
  for (const char* text : {"", "64", "64x", "x64", "64x32x1", "64/32", "6.4x32"}) {
    CHECK_FALSE(two_whole_numbers(text, 'x').has_value());
  }
}

TEST_CASE("numbers are written short, with a comma where asked") {
  CHECK(number_text(0.1) == "0.1");
  CHECK(number_text(1234567.0) == "1.23457e+06");
  CHECK(number_text(2.5, 3, true) == "2,5");
  CHECK(number_text(-0.001, 2, false) == "0");
}

TEST_CASE("texts are made safe for pages, and names are spoken with spaces") {
  CHECK(html_escape("<a href=\"x\">'&") == "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
  CHECK(spoken("negative_elbo") == "negative elbo");
}

TEST_CASE("control characters in names do not reach a terminal") {
  CHECK(printable("plain, \u00e4 \u20ac\n\tline") == "plain, \u00e4 \u20ac\n\tline");
  CHECK(printable("\x1b[31mred\x1b[0m\r") == "\\x1b[31mred\\x1b[0m\\x0d");
  CHECK(printable("\xc2\x9b"
                  "1m\x7f") == "\\x9b1m\\x7f");
}

TEST_CASE("a scope of random numbers puts the generators of all devices back") {
  std::vector<at::Generator> all{at::detail::getDefaultCPUGenerator()};
  for (at::DeviceIndex i = 0; i < static_cast<at::DeviceIndex>(torch::cuda::device_count()); ++i) {
    all.push_back(at::globalContext().defaultGenerator({at::kCUDA, i}));
  }
  std::vector<Tensor> before;
  for (const auto& generator : all) before.push_back(generator.get_state());
  {
    const RandomScope scope(7);
    for (size_t i = 0; i < all.size(); ++i) CHECK_FALSE(all[i].get_state().equal(before[i]));
  }
  for (size_t i = 0; i < all.size(); ++i) CHECK(all[i].get_state().equal(before[i]));
}
