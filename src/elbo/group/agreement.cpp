#include "elbo/group/agreement.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "elbo/core/error.h"
#include "elbo/core/random.h"

namespace elbo {
namespace {

constexpr uint64_t kFingerprint = (1 << 20) - 1;  // squares of it add up exactly in a double
__extension__ using Wide = unsigned __int128;

uint64_t fingerprint(const Tensor& t) {
  const auto bytes = t.detach().contiguous();
  const auto* byte = static_cast<const unsigned char*>(bytes.data_ptr());
  uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a, eight bytes at a time
  for (size_t i = 0; i < bytes.nbytes(); i += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, byte + i, std::min(sizeof word, bytes.nbytes() - i));
    hash = (hash ^ word) * 0x100000001b3ULL;
    hash ^= hash >> 29;
  }
  return (hash ^ (hash >> 32)) & kFingerprint;
}

/// N numbers are the same exactly where N times the sum of squares is the square of the sum.
bool all_same(double sum, double squares) {
  const auto s = static_cast<Wide>(sum);
  return static_cast<Wide>(group_size()) * static_cast<Wide>(squares) == s * s;
}

enum Slot { kNotFinite, kStop, kPrint, kPrintSquared, kTerms };

}  // namespace

void Agreement::begin(const std::vector<std::pair<std::string, double>>& terms) {
  terms_ = terms;
  const auto print = static_cast<double>(fingerprint(torch_random_state()));
  std::vector<double> values{std::isfinite(terms.at(0).second) ? 0.0 : 1.0, wants_stop_ ? 1.0 : 0.0,
                             print, print * print};
  for (const auto& term : terms) values.push_back(term.second);
  sent_ = torch::tensor(values, torch::kFloat64);
  sum_ = group()->begin_sum(sent_);
}

void Agreement::finish() {
  sum_->wait();
  sum_.reset();
  const auto* got = sent_.data_ptr<double>();
  finite_ = got[kNotFinite] == 0;
  all_stop_ = got[kStop] > 0;
  for (size_t i = 0; i < terms_.size(); ++i) {
    terms_[i].second = got[kTerms + i] / static_cast<double>(group_size());
  }
  if (all_same(got[kPrint], got[kPrintSquared])) return;
  // Something drew as often as its rows asked for, as rejection does: one stream for all again.
  const auto state = torch_random_state();
  group()->copy_first(state);
  set_torch_random_state(state);
}

RowPart own_part(int64_t total) {
  if (!group()) return {0, total, total};
  const int64_t rank = group()->rank(), size = group()->size();
  const auto start = [&](int64_t r) { return (r * total + size - 1) / size; };
  return {start(rank), start(rank + 1) - start(rank), total};
}

void check_same_bits(const Tensor& values, const char* what) {
  if (!group()) return;
  const auto print = static_cast<double>(fingerprint(values));
  const auto sums = torch::tensor({print, print * print}, torch::kFloat64);
  group()->sum(sums);
  const auto* got = sums.data_ptr<double>();
  check(
      all_same(got[0], got[1]), "[train] the ", what,
      " differ between the processes: they run different programs, or a machine computes wrongly");
}

}  // namespace elbo
