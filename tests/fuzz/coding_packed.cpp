#include "elbo/coding/decoder.h"
#include "fuzz/harness.h"

// Files of elbo compress: their parts, and the model that some of them hold.

namespace elbo::fuzzing {
namespace {

void read_packed(std::string_view bytes) {
  const auto container = unpack(bytes, "fuzz");
  const auto again = unpack(pack(container), "fuzz");
  must(again.side == container.side && again.blocks.size() == container.blocks.size(),
       "a packed file packed again is another one");
  const auto decoder = held_decoder(container);
  constexpr int64_t kFewRows = 64;
  int64_t rows = 0;
  for (const auto& block : container.blocks) rows += block.rows;
  if (decoder && rows <= kFewRows) decoder->content(container, "fuzz", [](double) {});
}

const bool packed_added = add_harness("packed", read_packed);

}  // namespace
}  // namespace elbo::fuzzing
