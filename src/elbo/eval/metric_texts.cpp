#include "elbo/eval/edit_distance.h"
#include "elbo/eval/metric.h"

namespace elbo {
namespace {

constexpr int64_t kPairs = 200, kWay = 7;  // walks, and places on each with both ends

/// Edit distances over walks between the codes of rows 2k and 2k + 1: neighbours on a walk should
/// differ by less than its ends do.
Json walk_distances(Subject& s) {
  const auto& means = s.codes().mean;
  const int64_t pairs = std::min(kPairs, s.size() / 2);
  const auto part = torch::linspace(0, 1, kWay).unsqueeze(1);  // [way, 1]
  double ends = 0, neighbours = 0, exact = 0, places = 0;
  for (int64_t k = 0; k < pairs; ++k) {
    const auto codes = torch::lerp(means[2 * k], means[2 * k + 1], part);
    auto c = s.batch().c;
    if (c.defined()) c = c.narrow(0, 2 * k, 1).expand(with_rows(kWay, s.schemas().c.shape));
    const auto made = decode_codes(s.model(), s.layout(), codes, c)->mean();
    std::vector<std::vector<int64_t>> way;
    for (int64_t i = 0; i < kWay; ++i) way.push_back(tokens_before_end(made[i]));
    ends += static_cast<double>(edit_distance(way.front(), way.back()));
    for (size_t i = 0; i + 1 < way.size(); ++i) {
      neighbours += static_cast<double>(edit_distance(way[i], way[i + 1])) / (kWay - 1);
    }
    places += static_cast<double>(way.size());
    const auto& there = s.reconstructions();
    exact += way.front() == tokens_before_end(there[2 * k]) &&
             way.back() == tokens_before_end(there[2 * k + 1]);
  }
  const auto n = static_cast<double>(pairs);
  return {{"pairs", pairs},
          {"distance_of_ends", ends / n},
          {"distance_of_neighbours", neighbours / n},
          {"decoded", places / (n * kWay)},
          {"ends_are_reconstructions", exact / n}};
}

const bool text_reconstruction = metrics().add<NoOptions>(
    "text_reconstruction",
    "Exact matches and edit distances between rows and their reconstructions",
    [](const NoOptions&) {
      return make_metric({"texts"}, [](Subject& s) -> Json {
        TokenAgreement agreement;
        agreement.add(s.batch().x, s.reconstructions());
        return {{"exact_match", agreement.exact},
                {"token_accuracy", agreement.accuracy},
                {"edit_distance", agreement.distance},
                {"edited_share", agreement.share},
                {"protocol", {{"rows", agreement.rows}}}};
      });
    });

const bool text_walks = metrics().add<NoOptions>(
    "text_walks", "Edit distances between neighbours and between ends on walks between codes",
    [](const NoOptions&) {
      return make_metric({"texts", "real code"}, [](Subject& s) -> Json {
        check(s.size() > 1, "[metric text_walks] found one row, expected two or more");
        torch::NoGradGuard no_gradient;
        return walk_distances(s);
      });
    });

}  // namespace
}  // namespace elbo
