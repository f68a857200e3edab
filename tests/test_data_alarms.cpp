#include "elbo/data/dataset.h"
#include "elbo/data/label_rows.h"
#include "elbo/data/open.h"
#include "elbo/io/file.h"
#include "elbo/io/npy.h"
#include "files.h"
#include "near.h"

namespace elbo {
namespace {

Data counted() {
  Arrays a;
  a.x = torch::arange(5, torch::kFloat32).unsqueeze(1);
  a.schemas.x = {{1}, Kind::kReal, Json::object()};
  return in_memory(std::move(a));
}

std::vector<float> values(const Data& data) {
  const auto x = data->get(torch::arange(data->size())).x.contiguous();
  return {x.data_ptr<float>(), x.data_ptr<float>() + x.numel()};
}

TEST_CASE("rows with an alarm are left out, by a table or by an array of scores") {
  const TempFolder folder;
  write_file_atomic(folder.at("a.csv"),
                    "row,score,p_value,alarm,label\n0,1,1,0,\n1,9,0,1,\n2,1,1,0,\n"
                    "3,9,0,1,\n4,1,1,0,\n");
  CHECK(values(without_alarms(counted(), folder.at("a.csv"))) == std::vector<float>{0, 2, 4});
  const auto table = torch::tensor(
      {{1.F, .5F, 0.F}, {9.F, 0.F, 0.F}, {1.F, 1.F, 1.F}, {9.F, 0.F, 0.F}, {2.F, .5F, 0.F}});
  auto bytes = npy_header(torch::kFloat32, {5, 3});
  bytes.append(static_cast<const char*>(table.data_ptr()), table.nbytes());
  write_file_atomic(folder.at("a.npy"), bytes);
  CHECK(values(without_alarms(counted(), folder.at("a.npy"))) == std::vector<float>{0, 1, 3, 4});
}

TEST_CASE("numbers are measured anew once the rows with an alarm are gone") {
  const TempFolder folder;
  const auto x = torch::tensor({{1.F}, {3.F}, {1000.F}});
  auto bytes = npy_header(torch::kFloat32, {3, 1});
  bytes.append(static_cast<const char*>(x.data_ptr()), x.nbytes());
  write_file_atomic(folder.at("x.npy"), bytes);
  write_file_atomic(folder.at("a.csv"), "alarm\n0\n0\n1\n");
  DataOptions options;
  options.without = folder.at("a.csv");
  const auto data = open_data(folder.at("x.npy"), options);
  CHECK(data->size() == 2);
  CHECK(data->schemas().x.detail["loc"] == std::vector<double>{2});
  CHECK(data->schemas().x.detail["scale"] == std::vector<double>{1});
}

TEST_CASE("a file of alarms that does not fit is refused with its place") {
  const TempFolder folder;
  const auto refused = [&](const std::string& text) {
    write_file_atomic(folder.at("a.csv"), text);
    return error_of([&] { without_alarms(counted(), folder.at("a.csv")); });
  };
  CHECK(refused("").find("is empty") != std::string::npos);
  CHECK(refused("row,score\n0,1\n").find("no column \"alarm\"") != std::string::npos);
  CHECK(refused("alarm\n0\nyes\n").find("line 3: found \"yes\"") != std::string::npos);
  CHECK(refused("alarm\n0\n1\n").find("covers 2 rows, the data have 5") != std::string::npos);
  CHECK(refused("alarm\n1\n1\n1\n1\n1\n").find("none is left") != std::string::npos);
}

}  // namespace
}  // namespace elbo
