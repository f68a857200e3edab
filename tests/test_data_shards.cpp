#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "elbo/data/block_order.h"
#include "elbo/data/dataset.h"
#include "elbo/data/label_rows.h"
#include "elbo/data/open.h"
#include "elbo/data/rows.h"
#include "elbo/io/image.h"
#include "elbo/io/npy.h"
#include "elbo/io/tar_index.h"
#include "files.h"
#include "tolerance.h"

namespace elbo {
namespace {

/// A regular file of a tar archive: header, bytes, padding.
std::string tar_member(const std::string& name, const std::string& bytes, char type = '0') {
  std::string header(512, '\0');
  const auto put = [&](size_t at, const std::string& text) {
    std::copy(text.begin(), text.end(), header.begin() + static_cast<int64_t>(at));
  };
  char size[13];
  std::snprintf(size, sizeof size, "%011zo", bytes.size());
  put(0, name.substr(0, 100));
  put(124, size);
  header[156] = type;
  put(257, "ustar");
  put(263, "00");
  put(148, "        ");
  int64_t sum = 0;
  for (unsigned char c : header) sum += c;
  char text[8];
  std::snprintf(text, sizeof text, "%06o", static_cast<unsigned>(sum));
  put(148, text);
  return header + bytes + std::string((512 - bytes.size() % 512) % 512, '\0');
}

const std::string kTarEnd(1024, '\0');

/// A picture whose first pixel tells its number.
std::string picture_of(int number, int64_t size = 8, int64_t channels = 3) {
  auto image = torch::full({channels, size, size}, 7, torch::kUInt8);
  image[0][0][0] = number % 256;
  image[0][0][1] = number / 256;
  return encode_png(image);
}

std::string shard_of(int from, int to) {
  std::string tar;
  for (int i = from; i < to; ++i) {
    const auto key = "set/" + std::to_string(1000 + i);
    tar += tar_member(key + ".cls", std::to_string(i % 5) + "\n");
    tar += tar_member(key + ".seg.txt", "other things of the same key");
    tar += tar_member(key + ".png", picture_of(i));
  }
  return tar + kTarEnd;
}

std::vector<int> numbers_of(const Batch& batch) {
  std::vector<int> numbers;
  for (int64_t i = 0; i < batch.size(); ++i) {
    const auto pixel = [&](int64_t c) {
      return std::lround(batch.x[i][0][0][c].item<float>() * 255);
    };
    numbers.push_back(static_cast<int>(pixel(0) + 256 * pixel(1)));
  }
  return numbers;
}

/// Memory of this process that lies in no file, in bytes.
int64_t own_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    int64_t kilobytes = 0;
    if (word == "RssAnon:" && status >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

double rank_correlation(const std::vector<int64_t>& order) {
  const auto n = static_cast<double>(order.size());
  double sum = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    sum += std::pow(static_cast<double>(order[i]) - static_cast<double>(i), 2);
  }
  return 1 - 6 * sum / (n * (n * n - 1));
}

std::vector<int64_t> starts_of(int64_t rows, int64_t block) {
  std::vector<int64_t> starts;
  for (int64_t row = 0; row < rows; row += block) starts.push_back(row);
  return starts;
}

}  // namespace

TEST_CASE("shards are read where they lie, with their labels") {
  const TempFolder folder;
  folder.file("a/part-000.tar", shard_of(0, 30));
  folder.file("a/part-001.tar", shard_of(30, 50));
  for (const auto* name : {"a", "a/*.tar", "a/part-{000..001}.tar"}) {
    CAPTURE(name);
    const auto data = open_data("shards:" + folder.at(name), {});
    CHECK(data->size() == 50);
    CHECK(data->schemas().x.shape == Shape{3, 8, 8});
    CHECK(data->schemas().x.kind == Kind::kByte);
    const auto batch = data->get(torch::tensor({49, 0, 31}, torch::kInt64));
    CHECK(numbers_of(batch) == std::vector<int>{49, 0, 31});
    CHECK(batch.y.equal(torch::tensor({4, 0, 1}, torch::kInt64)));
    CHECK(data->row_name(31).find("part-001.tar:") != std::string::npos);
  }
}

TEST_CASE("rows that were announced come out as the same rows, in any order") {
  const TempFolder folder;
  folder.file("part.tar", shard_of(0, 400));
  const auto data = open_data("shards:" + folder.at("part.tar"), {});
  const auto* rows = streamed(*data);
  REQUIRE(rows != nullptr);
  const auto order = torch::tensor(epoch_order(*data, 5));
  rows->expect(order);
  for (int64_t at = 0; at < 400; at += 40) {
    const auto chosen = order.narrow(0, at, 40);
    if (at == 200) rows->expect(order.narrow(0, at, 200));  // as after a roll-back
    const auto found = numbers_of(data->get(chosen));
    for (int64_t i = 0; i < 40; ++i)
      CHECK(found[static_cast<size_t>(i)] == chosen[i].item<int64_t>());
  }
  // What nobody announced is made at once.
  CHECK(numbers_of(data->get(torch::tensor({7, 7}, torch::kInt64))) == std::vector<int>{7, 7});
}

TEST_CASE("a part of streamed rows, binarized, still is streamed") {
  const TempFolder folder;
  folder.file("part.tar", shard_of(0, 300));
  DataOptions options;
  options.binarize = "threshold";
  auto data = open_data("shards:" + folder.at("part.tar"), options);
  std::vector<int64_t> odd;
  for (int64_t i = 1; i < 300; i += 2) odd.push_back(i);
  const auto part = subset(data, odd);
  REQUIRE(streamed(*part) != nullptr);
  const auto starts = streamed(*part)->blocks();
  CHECK(starts.front() == 0);
  CHECK(starts.size() == streamed(*data)->blocks().size());
  CHECK(streamed(*subset(data, {5, 3, 9})) == nullptr);  // out of order: no neighbours
}

TEST_CASE("a folder of more pixels than wished is streamed, row for row the same") {
  const TempFolder folder;
  for (int i = 0; i < 20; ++i) {
    folder.file((i < 10 ? "f/cat/" : "f/dog/") + std::to_string(100 + i) + ".png", picture_of(i));
  }
  DataOptions options;
  const auto held = open_data("images:" + folder.at("f"), options);
  options.reader = {{"memory", 0}};
  const auto lazy = open_data("images:" + folder.at("f"), options);
  CHECK(streamed(*held) == nullptr);
  CHECK(streamed(*lazy) != nullptr);
  const auto all = torch::arange(20, torch::kInt64);
  CHECK(held->get(all).x.equal(lazy->get(all).x));
  CHECK(held->get(all).y.equal(lazy->get(all).y));
  CHECK(labels_of(*lazy).equal(labels_of(*held)));
  CHECK(lazy->row_name(3) == held->row_name(3));
}

TEST_CASE("shards that are damaged or of another kind are refused by name") {
  const TempFolder folder;
  const auto good = shard_of(0, 3);
  const auto refusal = [&](const std::string& bytes) {
    folder.file("bad.tar", bytes);
    return error_of([&] {
      const auto data = open_data("shards:" + folder.at("bad.tar"), {});
      data->get(torch::arange(data->size(), torch::kInt64));
    });
  };
  CHECK(refusal(good).empty());
  CHECK(refusal(good.substr(0, good.size() - 2000)).find("bad.tar") != std::string::npos);
  CHECK(refusal("\x1f\x8b" + good).find("packed archives") != std::string::npos);
  CHECK(refusal(kTarEnd).find("holds no KEY.png") != std::string::npos);
  const auto two = tar_member("k.png", picture_of(1)) + tar_member("k.jpg", picture_of(2));
  CHECK(refusal(two + kTarEnd).find("a second picture of the key k") != std::string::npos);
  const auto word = tar_member("k.png", picture_of(1)) + tar_member("k.cls", "cat");
  CHECK(refusal(word + kTarEnd).find("\"cat\" is not a label") != std::string::npos);
  const auto list = tar_member("k.png", picture_of(1)) + tar_member("k.json", "[1]");
  CHECK(refusal(list + kTarEnd).find("not a JSON object") != std::string::npos);
  const auto sizes = tar_member("a.png", picture_of(1)) + tar_member("b.png", picture_of(2, 9));
  CHECK(refusal(sizes + kTarEnd).find("--resize") != std::string::npos);
  const auto torn = tar_member("a.png", picture_of(1)) + tar_member("b.png", "no picture");
  CHECK(!refusal(torn + kTarEnd).empty());
  for (const auto* name :
       {"x-{3..1}.tar", "x-{a..b}.tar", "x-{1..2", "none-{1..2}.tar", "*.none"}) {
    CAPTURE(name);
    CHECK(!error_of([&] { open_data("shards:" + folder.at(name), {}); }).empty());
  }
}

TEST_CASE("damaged shards raise errors and nothing else") {
  const TempFolder folder;
  const auto refused = fuzz(shard_of(0, 2), 300, [&](const std::string& bytes) {
    folder.file("f.tar", bytes);
    const auto data = open_data("shards:" + folder.at("f.tar"), {});
    data->get(torch::arange(data->size(), torch::kInt64));
  });
  CHECK(refused > 100);
}

TEST_CASE("long names of GNU and pax archives are read") {
  const TempFolder folder;
  const std::string long_name(150, 'n');
  const auto record = [](const std::string& text) {
    const auto length = text.size() + 4;  // three digits and a space
    return std::to_string(length) + " " + text;
  };
  const auto tar = tar_member("././@LongLink", long_name + ".png" + std::string(1, '\0'), 'L') +
                   tar_member(long_name.substr(0, 99), "first") +
                   tar_member("PaxHeader", record("path=" + std::string(120, 'p') + "\n"), 'x') +
                   tar_member("short", "second") + kTarEnd;
  std::vector<std::string> names;
  for_each_member(folder.file("long.tar", tar),
                  [&](const TarMember& m) { names.push_back(m.name); });
  CHECK(names == std::vector<std::string>{long_name + ".png", std::string(120, 'p')});
}

TEST_CASE("the order of blocks forgets the order of the file") {
  constexpr int64_t kRows = 20000, kBlock = 16, kWindow = 1 << 13;
  const auto order = block_order(starts_of(kRows, kBlock), kRows, 11, kWindow);
  CHECK(std::set<int64_t>(order.begin(), order.end()).size() == static_cast<size_t>(kRows));
  CHECK(std::abs(rank_correlation(order)) < kBlockRankCorrelation);
  // Two neighbours of the order come from one block as rarely as chance within a window has it.
  int64_t together = 0;
  for (size_t i = 1; i < order.size(); ++i) together += order[i] / kBlock == order[i - 1] / kBlock;
  CHECK(static_cast<double>(together) / kRows < 2.0 * kBlock / kWindow);
  // A file sorted by class: batches hold the classes nearly as if rows were drawn at random.
  double chi_square = 0;
  constexpr int64_t kClasses = 10, kBatch = 100;
  for (int64_t b = 0; b < kRows / kBatch; ++b) {
    std::vector<double> count(kClasses, 0);
    for (int64_t i = b * kBatch; i < (b + 1) * kBatch; ++i) {
      ++count[static_cast<size_t>(order[static_cast<size_t>(i)] * kClasses / kRows)];
    }
    for (double c : count) chi_square += std::pow(c - kBatch / kClasses, 2) / (kBatch / kClasses);
  }
  CHECK(chi_square / (kRows / kBatch) / (kClasses - 1) < kBlockClassSpread);
  CHECK(block_order(starts_of(kRows, kBlock), kRows, 12, kWindow) != order);
}

TEST_CASE("300 megabytes of pictures pass through 150") {
  const TempFolder folder;
  constexpr int64_t kPictures = 6200, kSide = 128;  // 49,152 bytes each
  std::string tar;
  const auto bytes = picture_of(3, kSide);
  for (int64_t i = 0; i < kPictures; ++i) tar += tar_member(std::to_string(i) + ".png", bytes);
  folder.file("large.tar", tar + kTarEnd);
  std::string().swap(tar);
  const auto before = own_memory();
  const auto data = open_data("shards:" + folder.at("large.tar"), {});
  streamed(*data)->expect(torch::arange(kPictures, torch::kInt64));
  int64_t most = 0;
  double seen = 0;
  for_each_batch(*data, 62, {}, [&](const Batch& batch, int64_t) {
    seen += static_cast<double>(batch.x.numel());
    most = std::max(most, own_memory());
  });
  CHECK(seen > 300e6);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which take more
  CHECK(most - before < 150'000'000);
#else
  CHECK(most > before);
#endif
}

TEST_CASE("a NumPy file of 400 megabytes takes up no memory of its own") {
  const TempFolder folder;
  const int64_t rows = 100000, width = 1000;  // float32, mostly a hole in the file
  const auto path = folder.file("wide.npy", npy_header(torch::kFloat32, {rows, width}));
  const auto header = std::filesystem::file_size(path);
  std::filesystem::resize_file(path, header + static_cast<uintmax_t>(rows * width) * 4);
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const float value = 6;
    file.seekp(static_cast<std::streamoff>(header) + 4 * (rows - 1) * width);
    file.write(reinterpret_cast<const char*>(&value), sizeof value);
  }
  const auto before = own_memory();
  const auto data = open_data(path, {});
  CHECK(data->size() == rows);
  const auto batch = data->get(torch::tensor({rows - 1, int64_t{0}}, torch::kInt64));
  CHECK(batch.x[0][0].item<float>() == 6);
  CHECK(batch.x[1].abs().sum().item<float>() == 0);
  const auto loc = data->schemas().x.detail["loc"][0].get<double>();
  CHECK(loc == doctest::Approx(6.0 / static_cast<double>(rows)));
  CHECK(own_memory() - before < 150'000'000);
}

}  // namespace elbo
