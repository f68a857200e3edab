#include "elbo/coding/decoder.h"

#include "elbo/coding/exact_rows.h"
#include "elbo/coding/file_form.h"
#include "elbo/io/sha256.h"

namespace elbo {
namespace {

constexpr const char* kAlone = "alone";           // whether no run is needed
constexpr const char* kModelSize = "model_size";  // bytes of the side that are the model

}  // namespace

Batch Decoder::rows(const std::vector<Container::Block>& blocks,
                    const std::function<void(double)>& progress) const {
  std::vector<Tensor> x, mask;
  for (const auto& block : blocks) {
    const auto some = code->decode(block.words, block.rows);
    x.push_back(some.x);
    if (some.mask.defined()) mask.push_back(some.mask);
    progress(static_cast<double>(x.size()) / static_cast<double>(blocks.size()));
  }
  Batch all;
  all.x = x.empty() ? torch::zeros({0, numel(schemas.x.shape)}) : torch::cat(x);
  if (!mask.empty()) all.mask = torch::cat(mask);
  return all;
}

std::string Decoder::content(const Container& container, const std::string& where,
                             const std::function<void(double)>& progress) const {
  const auto form = form_from(container.facts.value("kind", ""), side, schemas);
  auto content = form->bytes(rows(container.blocks, progress));
  check(sha256(content) == container.facts.value("sha256", ""), "[decompress] ", where,
        ": what comes out is not what went in");
  return content;
}

std::optional<Decoder> held_decoder(const Container& container) {
  if (!container.facts.value(kAlone, false)) return {};
  const auto size = container.facts.value(kModelSize, uint64_t{0});
  if (size == 0 && container.blocks.empty()) return Decoder{nullptr, {}, container.side};
  check(size <= container.side.size(), "[decompress] model: it is cut short");
  const auto [model, schema] =
      from_small_model(std::string_view(container.side).substr(0, static_cast<size_t>(size)));
  Decoder decoder{exact_row_code(model), {}, container.side.substr(static_cast<size_t>(size))};
  decoder.schemas.x = schema;
  return decoder;
}

std::string hold_model(const std::string& small_model, const std::string& side, Json& facts) {
  facts[kAlone] = true;
  facts[kModelSize] = small_model.size();
  return small_model + side;
}

}  // namespace elbo
