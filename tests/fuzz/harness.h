#pragma once

#include <string>
#include <string_view>
#include <vector>

// Small programs that hand bytes from outside to one reader each. `elbo_fuzz` searches for bytes
// that break them (scripts/fuzz.sh); the tests run seeds and kept finds through the same functions.

namespace elbo::fuzzing {

/// May succeed or raise an Error; anything else is a find.
using Read = void (*)(std::string_view bytes);

struct Harness {
  std::string name;  // also of its folders of seeds and finds
  Read read;
};

/// All by name; those of parts that a build leaves out are not there.
std::vector<Harness> harnesses();
bool add_harness(const char* name, Read read);

/// Hands bytes to a harness; true where they were read, false where an Error refused them.
bool run_harness(const Harness& harness, std::string_view bytes);

/// The path of a file that holds the bytes until the next call; in memory, of this process alone.
/// The name ends in `ending`.
std::string file_of(std::string_view bytes, const std::string& ending);

/// Ends the process: what was read and written again is not the same.
void must(bool holds, const char* what);

}  // namespace elbo::fuzzing
