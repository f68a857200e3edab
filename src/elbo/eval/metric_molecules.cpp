#include "elbo/data/tokenizer.h"
#include "elbo/distributions/decoding.h"
#include "elbo/eval/metric.h"
#include "elbo/eval/molecule_set.h"

namespace elbo {
namespace {

/// All molecules that training has seen.
std::vector<std::string> training_molecules(Subject& s) {
  const auto& seen = s.training();
  std::vector<std::string> all;
  for_each_batch(*seen, 4096, Draw{}, [&](const Batch& batch, int64_t) {
    const auto texts = texts_of(s.schemas().x, batch.x);
    all.insert(all.end(), texts.begin(), texts.end());
  });
  return all;
}

Tensor drawn_rows(const Distribution& p, double temperature) {
  const auto* rows = dynamic_cast<const Decodable*>(&p);
  if (!rows) return p.sample();
  Decoding how;
  how.temperature = temperature;
  return rows->decode(how);
}

/// As many molecules from the prior as may be judged, also where the data have fewer rows.
std::vector<std::string> drawn_molecules(Subject& s) {
  constexpr int64_t kAtOnce = 512;
  const int64_t n = s.options().judged;
  const auto c = s.batch().c;
  std::vector<std::string> all;
  for (int64_t from = 0; from < n; from += kAtOnce) {
    const int64_t count = std::min(kAtOnce, n - from);
    const auto rows = (torch::arange(count) + from) % s.size();
    const auto here = c.defined() ? c.index_select(0, rows) : c;
    const auto texts = texts_of(
        s.schemas().x, drawn_rows(*s.model().generate(count, here).x, s.options().temperature));
    all.insert(all.end(), texts.begin(), texts.end());
  }
  return all;
}

const bool molecules = metrics().add<NoOptions>(
    "molecules", "Validity, uniqueness, novelty, diversity, fragments and scaffolds of samples",
    [](const NoOptions&) {
      return make_metric({"molecules"}, [](Subject& s) -> Json {
        const auto& schema = s.schemas().x;
        const auto made = drawn_molecules(s);
        const auto training = training_molecules(s);
        auto figures = compare_molecules(made, training, texts_of(schema, s.batch().x));
        figures["protocol"] = {{"samples", made.size()},
                               {"temperature", s.options().temperature},
                               {"training_molecules", training.size()},
                               {"reference", s.size()}};
        return figures;
      });
    });

const bool reconstructed = metrics().add<NoOptions>(
    "molecule_reconstruction",
    "Share of rows whose molecule is decoded exactly from the posterior mean",
    [](const NoOptions&) {
      return make_metric({"molecules"}, [](Subject& s) -> Json {
        const auto& schema = s.schemas().x;
        const auto data = texts_of(schema, s.batch().x);
        const auto made = texts_of(schema, s.reconstructions());
        return compare_reconstructions(data, made);
      });
    });

}  // namespace
}  // namespace elbo
