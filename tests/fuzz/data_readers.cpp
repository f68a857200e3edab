#include "elbo/data/open.h"
#include "fuzz/harness.h"

// Whole readers: bytes of a file until rows are there.

namespace elbo::fuzzing {
namespace {

void open_file(std::string_view bytes, const std::string& reader, const std::string& ending,
               const Json& options = Json::object()) {
  DataOptions how;
  how.split = "all";
  how.reader = options;
  const auto data = open_data(reader + ":" + file_of(bytes, ending), how);
  must(data != nullptr && data->size() >= 0, "no data");
  if (data->size() == 0) return;
  const auto batch = data->get(torch::zeros({1}, torch::kInt64), Draw{});
  must(batch.x.defined() && batch.x.size(0) == 1, "a row that is not there");
}

void read_table(std::string_view b) { open_file(b, "table", ".csv"); }
void read_series(std::string_view b) { open_file(b, "series", ".csv", {{"window", 2}}); }
void read_text_file(std::string_view b) { open_file(b, "text", ".txt"); }
void read_words(std::string_view b) { open_file(b, "text", ".txt", {{"tokens", "bpe:20"}}); }
void read_idx_file(std::string_view b) { open_file(b, "idx", ".idx3-ubyte"); }
void read_arrays(std::string_view b) { open_file(b, "arrays", ".npz"); }
void read_shards(std::string_view b) { open_file(b, "shards", ".tar"); }
void read_pictures(std::string_view b) { open_file(b, "images", ".tar"); }
void read_molecules(std::string_view b) { open_file(b, "molecules", ".smi"); }

const bool readers_fuzzed =
    add_harness("table", read_table) && add_harness("series", read_series) &&
    add_harness("text", read_text_file) && add_harness("bpe", read_words) &&
    add_harness("idx", read_idx_file) && add_harness("npz", read_arrays) &&
    add_harness("shards", read_shards) && add_harness("images", read_pictures) &&
    add_harness("molecules", read_molecules);

}  // namespace
}  // namespace elbo::fuzzing
