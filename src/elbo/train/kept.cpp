#include "elbo/train/kept.h"

#include "elbo/io/json_text.h"
#include "elbo/io/safetensors.h"
#include "elbo/model/codes.h"

namespace elbo {
namespace {

std::string kept_path(const Run& run) { return (run.path() / "kept.safetensors").string(); }

template <class KeptLike, class F>
void for_each_tensor(KeptLike& kept, F f) {
  f("codes", kept.codes);
  f("y", kept.y);
  f("c", kept.c);
  f("x", kept.x);
  f("mask", kept.mask);
  f("seen", kept.seen);
  f("seen_y", kept.seen_y);
  f("forest", kept.forest);
  f("scores", kept.scores);
  f("usual", kept.usual);
  f("levels", kept.levels);
  f("interval_levels", kept.interval_levels);
  f("fills", kept.fills);
}

/// Rows that a model decodes from codes, all at once when the first is read.
class DecodedRows : public Dataset {
 public:
  DecodedRows(const Kept& kept, const Run& run)
      : codes_(kept.codes), y_(kept.y), c_(kept.c), schemas_(run.schemas()), run_(run) {
    schemas_.target = {};
    if (!y_.defined()) schemas_.y = {};
  }
  int64_t size() const override { return codes_.size(0); }
  Schemas schemas() const override { return schemas_; }
  Batch get(const Tensor& rows, const Draw&) const override {
    const auto at = checked(rows);
    Batch batch;
    batch.x = decoded().index_select(0, at);
    if (c_.defined()) batch.c = c_.index_select(0, at);
    if (y_.defined()) batch.y = y_.index_select(0, at);
    return batch;
  }

 private:
  Tensor checked(const Tensor& rows) const {
    const auto at = rows.to(torch::kCPU, torch::kInt64);
    const bool inside =
        at.numel() == 0 || (at.min().item<int64_t>() >= 0 && at.max().item<int64_t>() < size());
    check(inside, "[data] a row is asked for that is not among the ", size(), " kept ones");
    return at;
  }

  const Tensor& decoded() const {
    if (x_.defined()) return x_;
    torch::NoGradGuard no_gradient;
    RandomScope scope(0);
    const auto model = run_.load();
    const auto layout = code_layout(*model, schemas_);
    const int64_t block = block_rows(schemas_);
    std::vector<Tensor> parts;
    for (int64_t from = 0; from < size(); from += block) {
      const int64_t count = std::min(block, size() - from);
      const auto c = c_.defined() ? c_.narrow(0, from, count) : Tensor();
      const auto x = decode_codes(*model, layout, codes_.narrow(0, from, count), c);
      // Pictures in shades, not in their likeliest bits: the encoder has seen pictures.
      const bool shades = is_bounded(schemas_.x.kind);
      parts.push_back((shades ? x->mean() : x->typical()).to(torch::kFloat32));
    }
    return x_ = torch::cat(parts).reshape(with_rows(size(), schemas_.x.shape));
  }

  Tensor codes_, y_, c_;
  Schemas schemas_;
  Run run_;
  mutable Tensor x_;
};

}  // namespace

std::shared_ptr<const Kept> load_kept(const Run& run) {
  std::error_code ignored;
  const auto path = kept_path(run);
  if (run.path().empty() || !std::filesystem::exists(path, ignored)) return nullptr;
  const auto file = load_safetensors(path);
  const auto at = file.metadata.find("elbo");
  auto kept = std::make_shared<Kept>();
  kept->about = at == file.metadata.end() ? Json() : try_parse_json(at->second);
  check(kept->about.is_object(), "[run] ", path,
        ": lacks its facts; remove the file to go without");
  if (kept->about.value("step", Json()) != run.weights_about().value("step", Json()))
    return nullptr;
  for_each_tensor(*kept, [&](const char* name, Tensor& tensor) { tensor = file.find(name); });
  kept->names = kept->about.value("names", std::vector<std::string>());
  return kept;
}

void save_kept(const Run& run, const Kept& kept) {
  NamedTensors tensors;
  for_each_tensor(kept, [&](const char* name, const Tensor& tensor) {
    if (tensor.defined()) tensors.emplace_back(name, tensor);
  });
  auto about = kept.about;
  about["step"] = run.weights_about().value("step", Json());
  if (!kept.names.empty()) about["names"] = kept.names;
  save_safetensors(kept_path(run), tensors, {{"elbo", about.dump()}});
}

Data rows_of(const Kept& kept, const Run& run) {
  if (!kept.x.defined()) return std::make_shared<DecodedRows>(kept, run);
  auto schemas = run.schemas();
  schemas.target = {};
  if (!kept.y.defined()) schemas.y = {};
  return in_memory({kept.x, kept.mask, kept.c, kept.y, Tensor(), Tensor(), schemas, kept.names});
}

}  // namespace elbo
