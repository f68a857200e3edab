#include "elbo/data/open.h"
#include "elbo/train/trainer.h"
#include "files.h"
#include "near.h"

namespace elbo {

TEST_CASE("the last windows in time validate, and share no step with those that train") {
  const TempFolder folder;
  std::string text = "a,b\n";
  for (int i = 0; i < 40; ++i) text += std::to_string(i % 3) + "," + std::to_string(i % 5) + "\n";
  DataOptions options;
  options.reader = {{"window", 5}};
  const auto data = open_data("series:" + folder.file("s.csv", text), options);
  REQUIRE(data->size() == 36);
  const auto [training, validation] = split_validation(data, 10, 3);
  CHECK(validation->size() == 10);
  CHECK(training->size() == 36 - 10 - 4);
  CHECK(validation->row_name(9) == "39");
  CHECK(training->row_name(training->size() - 1) == "25");  // the first to validate begins at 26
  CHECK(validation->row_name(0) == "30");
  CHECK(error_of([&, data = data] { split_validation(data, 33, 0); }).find("leave none of 36") !=
        std::string::npos);
}

}  // namespace elbo
