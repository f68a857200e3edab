#include "elbo/tasks/text_gaps.h"

#include <algorithm>
#include <map>

#include "elbo/distributions/decoding.h"

namespace elbo {
namespace {

using Ids = std::vector<int32_t>;

constexpr int64_t kRowsAtOnce = 512;  // candidates that are judged together

/// What is present of a text: ids before, between and behind its gaps.
std::vector<Ids> pieces_of(const TextCodec& codec, const Schema& schema, const std::string& text) {
  // All tokenizers but that of characters carry the space before a word with the word.
  const bool spaces_stand_alone = schema.detail.value("tokens", Json()) == "characters";
  std::vector<Ids> pieces;
  size_t from = 0;
  for (bool last = false; !last;) {
    const auto to = std::min(text.find(kGap, from), text.size());
    last = to == text.size();
    auto piece = text.substr(from, to - from);
    from = to + std::string(kGap).size();
    if (!last && !spaces_stand_alone && piece.ends_with(' ')) piece.pop_back();
    if (pieces.empty()) {
      pieces.push_back(codec.encode(piece));
      continue;
    }
    // A stand-in for the filled gap, so that what follows is cut as behind a word.
    const auto stand_in = codec.encode("x"), whole = codec.encode("x" + piece);
    pieces.emplace_back(
        whole.begin() + static_cast<int64_t>(std::min(stand_in.size(), whole.size())), whole.end());
  }
  check(pieces.size() > 1, "[impute] \"", text, "\": no gap, written ", kGap);
  return pieces;
}

Tensor as_rows(const std::vector<Ids>& rows, int64_t width) {
  auto x = torch::zeros({static_cast<int64_t>(rows.size()), width});
  for (size_t i = 0; i < rows.size(); ++i) {
    std::copy(rows[i].begin(), rows[i].end(), x[static_cast<int64_t>(i)].data_ptr<float>());
  }
  return x;
}

/// A particle: its code, what it has written, and the log of its weight.
struct Particles {
  Tensor codes;  // [M, D]
  std::vector<Ids> written;
  Tensor log_weight;  // [M]
};

/// A particle with one length of its gap and what follows.
struct Candidate {
  int64_t particle;
  Ids ids;
};

class GapFiller {
 public:
  GapFiller(Model& model, const Schema& schema, const CodeLayout& layout, const std::string& text,
            const GapPlan& plan)
      : model_(model), layout_(layout), plan_(plan), codec_(schema) {
    pieces_ = pieces_of(codec_, schema, text);
    size_t present = pieces_.size() - 1;  // a token at least for each gap
    for (const auto& piece : pieces_) present += piece.size();
    check(static_cast<int64_t>(present) < codec_.steps(), "[impute] \"", text.substr(0, 40),
          "\": ", present, " tokens with its gaps, the model reads at most ", codec_.steps() - 1);
  }

  std::vector<Filled> run() {
    auto particles = first();
    for (size_t gap = 0; gap + 1 < pieces_.size(); ++gap) {
      const bool last = gap + 2 == pieces_.size();
      const auto candidates = extended(particles, pieces_[gap + 1]);
      check(!candidates.empty(), "[impute] the model found nothing that fits into gap ", gap + 1);
      const auto weight = weights(particles, candidates, pieces_[gap + 1].size(), last);
      if (last) return collected(candidates, weight);
      resample(particles, candidates, weight);
    }
    return {};
  }

 private:
  /// Codes from q(z | present), each gap read as one unknown token, weighed by
  /// p(z) p(beginning | z) / q(z).
  Particles first() {
    Ids seen;
    std::vector<int64_t> gaps;
    for (const auto& piece : pieces_) {
      seen.insert(seen.end(), piece.begin(), piece.end());
      if (&piece == &pieces_.back()) break;
      gaps.push_back(static_cast<int64_t>(seen.size()));
      seen.push_back(kUnknownToken);
    }
    Batch batch;
    batch.x = as_rows({seen}, codec_.steps());
    batch.mask = token_mask(batch.x);
    for (const int64_t at : gaps) batch.mask[0][at] = 0;
    const auto trace = model_.latent->infer(batch, plan_.particles);
    Particles particles;
    std::vector<Tensor> codes;
    auto weight = trace.log_weight.flatten().clone();
    for (const auto& part : layout_.parts) {
      for (const auto& site : trace.sites) {
        if (site.name != part.site) continue;
        codes.push_back(site.value.to(torch::kFloat32).reshape({site.value.size(0), -1}));
        weight += site.log_prior() - site.log_posterior();
      }
    }
    particles.codes = torch::cat(codes, 1);
    particles.written.assign(static_cast<size_t>(plan_.particles), pieces_[0]);
    const auto each = log_probs(particles.codes, particles.written);
    particles.log_weight =
        weight + each.narrow(1, 0, static_cast<int64_t>(pieces_[0].size())).sum(1);
    return particles;
  }

  Dist decoded(const Tensor& codes) { return decode_codes(model_, layout_, codes, Tensor()); }

  /// [N, T] log probability of each token of rows, of their ends where they end.
  Tensor log_probs(const Tensor& codes, const std::vector<Ids>& rows) {
    std::vector<Tensor> parts;
    const auto x = as_rows(rows, codec_.steps());
    for (int64_t from = 0; from < x.size(0); from += kRowsAtOnce) {
      const int64_t count = std::min(kRowsAtOnce, x.size(0) - from);
      parts.push_back(decoded(codes.narrow(0, from, count))->log_prob(x.narrow(0, from, count)));
    }
    return torch::cat(parts);
  }

  /// What each particle writes into its next gap, left off after every number of tokens, with
  /// `next` behind it.
  std::vector<Candidate> extended(const Particles& particles, const Ids& next) {
    size_t most = 0;
    for (const auto& row : particles.written) most = std::max(most, row.size());
    Decoding how;
    if (most > 0) how.prefix = as_rows(particles.written, static_cast<int64_t>(most));
    how.longest = static_cast<int64_t>(most) + plan_.longest;
    const auto p = decoded(particles.codes);
    const auto* texts = dynamic_cast<const Decodable*>(p.get());
    check(texts,
          "[impute] the model's likelihood writes no texts; train one with likelihood "
          "autoregressive");
    const auto drawn = texts->decode(how).to(torch::kInt64).contiguous();
    std::vector<Candidate> list;
    for (size_t i = 0; i < particles.written.size(); ++i) {
      const auto* row = drawn[static_cast<int64_t>(i)].data_ptr<int64_t>();
      auto ids = particles.written[i];
      for (int64_t length = 0; length < plan_.longest; ++length) {
        const bool room = static_cast<int64_t>(ids.size() + next.size()) + 1 < codec_.steps();
        if (!room || row[ids.size()] == kEndToken) break;
        ids.push_back(static_cast<int32_t>(row[ids.size()]));
        auto whole = ids;
        whole.insert(whole.end(), next.begin(), next.end());
        list.push_back({static_cast<int64_t>(i), std::move(whole)});
      }
    }
    return list;
  }

  /// [candidates] normalised weights: the particle's own, and the probability of what follows the
  /// gap.
  Tensor weights(const Particles& particles, const std::vector<Candidate>& candidates,
                 size_t following, bool last) {
    std::vector<int64_t> of;
    std::vector<Ids> rows;
    for (const auto& candidate : candidates) {
      of.push_back(candidate.particle);
      rows.push_back(candidate.ids);
    }
    const auto particle = torch::tensor(of);
    const auto each = log_probs(particles.codes.index_select(0, particle), rows).contiguous();
    auto log_weight = particles.log_weight.index_select(0, particle).contiguous();
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto end = static_cast<int64_t>(rows[i].size());
      const auto from = end - static_cast<int64_t>(following);
      log_weight[static_cast<int64_t>(i)] +=
          each[static_cast<int64_t>(i)].slice(0, from, last ? end + 1 : end).sum();
    }
    return log_weight.to(torch::kFloat64).softmax(0);
  }

  void resample(Particles& particles, const std::vector<Candidate>& candidates,
                const Tensor& weight) const {
    const auto chosen = torch::multinomial(weight, plan_.particles, true);
    std::vector<int64_t> of;
    std::vector<Ids> written;
    for (int64_t i = 0; i < plan_.particles; ++i) {
      const auto& candidate = candidates[static_cast<size_t>(chosen[i].item<int64_t>())];
      of.push_back(candidate.particle);
      written.push_back(candidate.ids);
    }
    particles.codes = particles.codes.index_select(0, torch::tensor(of));
    particles.written = std::move(written);
    particles.log_weight = torch::zeros({plan_.particles});
  }

  std::vector<Filled> collected(const std::vector<Candidate>& candidates,
                                const Tensor& weight) const {
    std::map<Ids, double> sums;
    for (size_t i = 0; i < candidates.size(); ++i) {
      sums[candidates[i].ids] += weight[static_cast<int64_t>(i)].item<double>();
    }
    std::vector<Filled> list;
    for (const auto& [ids, sum] : sums) {
      list.push_back({codec_.decode(as_rows({ids}, codec_.steps())[0]), sum});
    }
    std::stable_sort(list.begin(), list.end(),
                     [](const auto& a, const auto& b) { return a.probability > b.probability; });
    return list;
  }

  Model& model_;
  const CodeLayout& layout_;
  const GapPlan plan_;
  const TextCodec codec_;
  std::vector<Ids> pieces_;
};

}  // namespace

std::vector<Filled> fill_gaps(Model& model, const Schema& schema, const CodeLayout& layout,
                              const std::string& text, const GapPlan& plan) {
  torch::NoGradGuard no_gradient;
  return GapFiller(model, schema, layout, text, plan).run();
}

}  // namespace elbo
