#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "elbo/io/file.h"
#include "elbo/io/folder_lock.h"
#include "elbo/io/json_text.h"
#include "files.h"

namespace elbo {
namespace {

std::string nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST_CASE("JSON from outside is bounded in depth, bytes and values, before anything is built") {
  CHECK(parse_json(nested(64), "[t]").is_array());
  CHECK(error_of([] { parse_json(nested(65), "[t] x"); }).find("[t] x: JSON nested more than 64") ==
        0);
  CHECK(error_of([] { parse_json(nested(1000000), "[t]"); }).find("nested") != std::string::npos);
  CHECK(error_of([] {
          parse_json(R"({"a":{"b":[1]}})", "[t]", {2, 100, 100});
        }).find("2 deep") != std::string::npos);
  // Brackets in strings are text.
  CHECK(parse_json(R"(["[[[[\"[[", "]]"])", "[t]", {1, 100, 100}).size() == 2);
  CHECK(error_of([] {
          parse_json("[1,2,3,4]", "[t]", {9, 100, 4});
        }).find("4 JSON values") != std::string::npos);
  CHECK(error_of([] {
          parse_json("[1,2,3,4]", "[t]", {9, 8, 99});
        }).find("8 bytes") != std::string::npos);
  CHECK(error_of([] { parse_json("{bad", "[t] file"); }).find("[t] file: not valid JSON") == 0);
  CHECK(error_of([] { parse_json("\"" + std::string(100000, 'a'), "[t]"); }).size() < 400);

  bool found = true;
  CHECK(try_parse_json(nested(1000000), &found).is_null());
  CHECK(!found);
  CHECK(try_parse_json("null", &found).is_null());
  CHECK(found);
  CHECK(error_of([] { parse_ordered_json(R"({"a":1,"a":2})", "[t]", {}); }).find("twice") !=
        std::string::npos);
}

TEST_CASE("a folder has one writer, who is named, and a kill leaves no lock") {
  TempFolder folder;
  const auto path = folder.at("");
  // The process that is killed holds the lock by a file of its own, as another program would.
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const auto child = ::fork();
  if (child == 0) {
    const auto lock = FolderLock::take(path);
    const bool told = ::write(ready[1], "x", 1) == 1;
    ::pause();
    ::_exit(told);
  }
  char letter = 0;
  REQUIRE(::read(ready[0], &letter, 1) == 1);
  const auto said = error_of([&] { FolderLock::take(path); });
  CHECK(said.find("process " + std::to_string(child)) != std::string::npos);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK(std::filesystem::exists(folder.at(".lock")));
  {
    const auto lock = FolderLock::take(path);
    CHECK(FolderLock::take(path) == lock);
  }
  CHECK_FALSE(std::filesystem::exists(folder.at(".lock")));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("a lock that is a link is not followed") {
  TempFolder folder;
  const auto precious = folder.file("precious", "text");
  const auto run = std::filesystem::path(folder.file("run/x", "")).parent_path().string();
  std::filesystem::create_symlink(precious, run + "/.lock");
  CHECK(error_of([&] { FolderLock::take(run); }).find("link") != std::string::npos);
  CHECK(read_file(precious) == "text");
}

TEST_CASE("leftovers go whatever their number of a process; those of living writers stay") {
  TempFolder folder;
  // Process 1 lives in any case, and this process has the number of the second.
  folder.file(".state.safetensors.1.0.tmp", "dead");
  const auto own = ".a." + std::to_string(::getpid()) + ".";
  for (int i = 0; i < 50; ++i) folder.file(own + std::to_string(i) + ".tmp", "dead");
  write_file_atomic(folder.at("a"), "new");  // not stopped by a leftover of its own name
  CHECK(read_file(folder.at("a")) == "new");
  AtomicFile living(folder.at("b"));
  living.write("whole");
  remove_leftovers(folder.at(""));
  living.commit();
  CHECK(read_file(folder.at("b")) == "whole");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.at("")), {}) == 2);
}

TEST_CASE("a file that is replaced keeps who may read it; a long name can be made") {
  TempFolder folder;
  const auto path = folder.file("secret", "one");
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
  write_file_atomic(path, "two");
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  const auto longest = folder.at(std::string(255, 'n'));
  write_file_atomic(longest, "x");
  CHECK(read_file(longest) == "x");
}

}  // namespace
}  // namespace elbo
