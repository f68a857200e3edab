#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdlib>
#include <optional>

#include "elbo/core/allocation_bound.h"
#include "elbo/io/archive.h"
#include "elbo/io/csv.h"
#include "elbo/io/file.h"
#include "elbo/io/file_bytes.h"
#include "elbo/io/image.h"
#include "elbo/io/mapped_files.h"
#include "elbo/io/tar_index.h"
#include "files.h"
#include "pictures.h"

namespace elbo {
namespace {

/// The variable that bounds memory, for as long as it lives.
class MemoryBound {
 public:
  explicit MemoryBound(const char* gigabytes) {
    if (const char* old = std::getenv("ELBO_MEMORY")) old_ = old;
    ::setenv("ELBO_MEMORY", gigabytes, 1);
  }
  ~MemoryBound() { old_ ? ::setenv("ELBO_MEMORY", old_->c_str(), 1) : ::unsetenv("ELBO_MEMORY"); }
  MemoryBound(const MemoryBound&) = delete;
  MemoryBound& operator=(const MemoryBound&) = delete;

 private:
  std::optional<std::string> old_;
};

TEST_CASE("what a file unpacks to is bounded by the memory there is, or by a variable") {
  const auto packed = gzip(std::string(3000000, ' '));
  CHECK(most_unpacked() > 1000000);
  CHECK(gunzip(packed, "t").size() == 3000000);
  const TempFolder folder;
  const auto archive =
      folder.file("a.tar.gz", make_archive("tar.gz", {{"x", std::string(3000000, ' ')}}));
  const auto read = [&] {
    read_archive(
        archive, [](const std::string&) { return true; }, [](const std::string&, std::string) {});
  };
  CHECK(error_of(read).empty());
  {
    const MemoryBound small("0.002");
    CHECK(error_of([&] { gunzip(packed, "t"); }).find("ELBO_MEMORY") != std::string::npos);
    CHECK(error_of(read).find("ELBO_MEMORY") != std::string::npos);
    CHECK(error_of([] { read_file("/dev/zero"); }).find("ELBO_MEMORY") != std::string::npos);
  }
  for (const char* wrong : {"much", "-1", "0", "1e9", "2 GB"}) {
    const MemoryBound bound(wrong);
    CHECK(error_of([] { most_unpacked(); }).find("expected gigabytes") != std::string::npos);
  }
}

TEST_CASE("of a folder only plain files are read") {
  const TempFolder folder;
  const auto pipe = folder.at("pipe"), zeros = folder.at("zeros");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::filesystem::create_symlink("/dev/zero", zeros);
  for (const auto& path : {pipe, zeros}) {
    CHECK(error_of([&] { read_plain_file(path); }).find("not a plain file") != std::string::npos);
  }
  CHECK(read_plain_file(folder.file("x", "text")) == "text");
}

TEST_CASE("a record of millions of cells is refused before they fill the memory") {
  const TempFolder folder;
  const auto path = folder.file("t.csv", "a,b\n" + std::string(1 << 20, ',') + "\n");
  CsvReader reader(path);
  CHECK(reader.next());
  CHECK(error_of([&] { reader.next(); }).find("1,048,576 cells") != std::string::npos);
}

TEST_CASE("tensors beyond a bound are refused before they are allocated") {
  const auto said = error_of([] {
    const AllocationBound bound(1 << 20, "[t] too much");
    const auto fits = torch::empty({1 << 10});
    CHECK(fits.numel() == 1 << 10);
    torch::empty({int64_t{1} << 50});
  });
  CHECK(said == "[t] too much");
  CHECK(torch::empty({1 << 19}).numel() == 1 << 19);  // none holds any more
}

TEST_CASE("a mapped file that is cut short ends a program with one line") {
  const TempFolder folder;
  const auto path = folder.file("x.npy", std::string(1 << 16, 'x'));
  int said[2];
  REQUIRE(::pipe(said) == 0);
  const auto child = ::fork();
  if (child == 0) {
    ::dup2(said[1], STDERR_FILENO);
    ::close(said[1]);
    end_at_cut_files();
    const auto bytes = file_bytes(path, 1);
    const bool cut = ::truncate(path.c_str(), 100) == 0;
    volatile char last = bytes.bytes[bytes.bytes.size() - 1];
    ::_exit(cut && last == 'x' ? 7 : 8);
  }
  ::close(said[1]);
  std::string text, block(1000, '\0');
  for (ssize_t got = 0; (got = ::read(said[0], block.data(), block.size())) > 0;) {
    text.append(block, 0, static_cast<size_t>(got));
  }
  ::close(said[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 1);
  CHECK(text.find(path + ": was cut short") != std::string::npos);
}

TEST_CASE("a tar that was cut between two files is refused, two in one file are read as one") {
  const TempFolder folder;
  const auto two = make_archive("tar", {{"a", "first"}, {"b", "second"}});
  auto cut = two;
  while (cut.substr(cut.size() - 512) == std::string(512, '\0')) cut.resize(cut.size() - 512);
  const auto names_of = [&](const std::string& bytes, bool by_index) {
    const auto path = folder.file("t.tar", bytes);
    std::string names;
    if (by_index) {
      for_each_member(path, [&](const TarMember& member) { names += member.name; });
    } else {
      read_archive(
          path, [](const std::string&) { return true; },
          [&](const std::string& name, std::string) { names += name; });
    }
    return names;
  };
  for (const bool by_index : {true, false}) {
    CAPTURE(by_index);
    CHECK(names_of(two, by_index) == "ab");
    CHECK(names_of(two + make_archive("tar", {{"c", "third"}}), by_index) == "abc");
    CHECK(error_of([&] { names_of(cut, by_index); }).find("cut short") != std::string::npos);
    CHECK(error_of([&] { names_of(cut.substr(0, 1024), by_index); }).find("cut short") !=
          std::string::npos);
  }
}

TEST_CASE("a JPEG whose pixels are damaged is refused, bytes of padding before its end are not") {
  torch::manual_seed(5);
  const auto image = torch::randint(0, 256, {1, 64, 64}, torch::kUInt8);
  const auto jpeg = encode_jpeg(image);
  const auto scan = jpeg.find("\xff\xda");
  REQUIRE(scan != std::string::npos);
  int refused = 0;
  for (size_t i = 0; i < 40; ++i) {
    auto damaged = jpeg;
    for (const size_t k : {60, 90, 120}) damaged[scan + k + 7 * i] ^= 0x55;
    refused += !error_of([&] { decode_image(damaged, "damaged.jpg"); }).empty();
  }
  CHECK(refused >= 34);  // some are other pictures of the same length, which nobody can tell
  auto padded = jpeg;
  padded.insert(jpeg.size() - 2, 8, '\0');
  CHECK(decode_image(padded, "padded.jpg").equal(decode_image(jpeg, "plain.jpg")));
}

}  // namespace
}  // namespace elbo
