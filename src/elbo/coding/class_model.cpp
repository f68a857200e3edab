#include "elbo/coding/class_model.h"

#include <algorithm>
#include <cmath>

#include "elbo/io/json_text.h"
#include "elbo/io/packed.h"
#include "elbo/latents/chow_liu.h"
#include "elbo/model/codes_columns.h"

namespace elbo {
namespace {

constexpr float kStepsOfLogit = 32, kDeepestLogit = 14;  // e^-14 is a millionth
constexpr float kStepsOfShare = 16777216;

std::vector<float> plain_floats(const Tensor& t) {
  if (!t.defined()) return {};
  const auto flat = t.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  const auto* from = flat.data_ptr<float>();
  return {from, from + flat.numel()};
}

/// Rows of logits below their largest: what lies far below it is as good as never.
void put_logits(SideWriter& out, const std::vector<float>& logits, size_t width) {
  for (size_t from = 0; from < logits.size(); from += width) {
    const auto begin = logits.begin() + static_cast<int64_t>(from);
    const float most = *std::max_element(begin, begin + static_cast<int64_t>(width));
    for (size_t i = 0; i < width; ++i) {
      const float below = std::min(most - logits[from + i], kDeepestLogit);
      out.number(static_cast<uint64_t>(std::lround(below * kStepsOfLogit)));
    }
  }
}

std::vector<float> take_logits(SideReader& in, size_t count) {
  std::vector<float> logits(count);
  for (auto& x : logits) {
    x = -static_cast<float>(std::min<uint64_t>(in.number(), 1 << 20)) / kStepsOfLogit;
  }
  return logits;
}

}  // namespace

std::optional<ClassModel> class_model(const std::shared_ptr<Model>& model, const Schemas& schemas) {
  const auto* latent = dynamic_cast<const CodesColumns*>(model->latent.get());
  if (latent == nullptr || schemas.x.kind != Kind::kTable) return {};
  torch::NoGradGuard no_gradient;
  const auto classes = latent->column_classes();
  const int64_t d = static_cast<int64_t>(classes.parent.size()), h = classes.root.numel();
  // Products with ones and zeros are exact in any order.
  const auto each = torch::eye(h).unsqueeze(1).expand({-1, d, -1}).contiguous();
  const auto dist = model->decode(each);
  const auto* states = dynamic_cast<const States*>(dist.get());
  const auto written = columns_of(schemas.x);
  if (states == nullptr || static_cast<int64_t>(written.size()) != d) return {};
  const auto rest = plain_floats(states->space->rest_share());
  ClassModel all{classes.parent, plain_floats(classes.root), plain_floats(classes.links), {}};
  for (int64_t j = 0; j < d; ++j) {
    const auto at = static_cast<size_t>(j);
    ColumnSymbols symbols(*states->space, j, written[at]);
    const auto used = torch::tensor(symbols.states());
    auto logits = plain_floats(states->logits.select(1, j).index_select(1, used));
    all.columns.push_back(
        {std::move(symbols), std::move(logits),
         classes.missing.defined() ? plain_floats(classes.missing[j]) : std::vector<float>(),
         rest[at]});
  }
  return all;
}

std::string small_model(const ClassModel& model, const Schema& table) {
  SideWriter out;
  out.text(to_json(table).dump());
  const size_t h = model.classes();
  out.number(h);
  out.number(model.columns.size());
  for (const int64_t p : model.parent) out.difference(p);
  put_logits(out, model.root, h);
  for (size_t j = 0; j < model.columns.size(); ++j) {
    const auto& c = model.columns[j];
    c.symbols.write(out);
    const auto from = model.links.begin() + static_cast<int64_t>(j * h * h);
    if (model.parent[j] >= 0) put_logits(out, {from, from + static_cast<int64_t>(h * h)}, h);
    put_logits(out, c.logits, std::max<size_t>(c.symbols.states().size(), 1));
    out.number(static_cast<uint64_t>(std::lround(c.beyond * kStepsOfShare)));
    out.number(!c.missing.empty());
    for (const float x : c.missing) out.difference(std::lround(x * kStepsOfLogit));
  }
  return packed(out.bytes());
}

std::pair<ClassModel, Schema> from_small_model(std::string_view bytes) {
  const auto plain = unpacked(bytes, "coding");
  SideReader in(plain);
  const auto schema = schema_from_json(parse_json(std::string(in.text()), "coding"), "coding");
  const auto written = columns_of(schema);
  const auto h = static_cast<size_t>(in.count()), d = static_cast<size_t>(in.count());
  check(h > 0 && d == written.size() && h * h * d <= plain.size() * 2 + h * h,
        "[coding] model of the table: its sizes do not agree");
  ClassModel model;
  for (size_t j = 0; j < d; ++j) model.parent.push_back(in.difference());
  tree_of_parents(model.parent);  // raises an Error where they are none
  model.root = take_logits(in, h);
  for (size_t j = 0; j < d; ++j) {
    ClassModel::PerColumn c{ColumnSymbols(in, written[j]), {}, {}, 0};
    const auto links = model.parent[j] >= 0 ? take_logits(in, h * h) : std::vector<float>(h * h, 0);
    model.links.insert(model.links.end(), links.begin(), links.end());
    c.logits = take_logits(in, h * c.symbols.states().size());
    c.beyond = static_cast<float>(std::min<uint64_t>(in.number(), 1 << 24)) / kStepsOfShare;
    if (in.number() != 0) {
      c.missing.resize(h);
      for (auto& x : c.missing) {
        x = static_cast<float>(std::clamp<int64_t>(in.difference(), -100000, 100000)) /
            kStepsOfLogit;
      }
    }
    model.columns.push_back(std::move(c));
  }
  return {std::move(model), schema};
}

}  // namespace elbo
