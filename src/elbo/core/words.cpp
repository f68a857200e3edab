#include "elbo/core/words.h"

#include <algorithm>
#include <cctype>
#include <numeric>

#include "elbo/core/registry.h"

namespace elbo {
namespace {

/// Damerau's distance: insertions, deletions, changes, and swaps of neighbours.
size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  std::iota(d[0].begin(), d[0].end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min(
          {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

/// "Beta-VAE" and "beta_vae" are one word; the dashes of an option stay.
std::string plain(const std::string& word) {
  std::string text;
  for (const char c : word) {
    text += c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return text;
}

}  // namespace

std::string nearest(const std::string& word, const std::vector<std::string>& known) {
  std::string best;
  size_t least = std::max<size_t>(1, word.size() / 3) + 1;
  for (const auto& candidate : known) {
    const size_t d = distance(plain(word), plain(candidate));
    const bool shortened = word.size() >= 4 && candidate.starts_with(word);
    if (d < least || (shortened && least > 1)) {
      least = std::min(d, shortened ? size_t{1} : d);
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
  const auto guess = nearest(word, known);
  return guess.empty() ? "" : "; did you mean \"" + guess + "\"?";
}

std::string known_words(const std::string& word, const std::vector<std::string>& known) {
  if (known.empty()) return "; known: none";
  constexpr size_t kMost = 40, kShown = 12;
  if (known.size() <= kMost) return "; known: " + join(known) + did_you_mean(word, known);
  auto close = known;
  std::stable_sort(close.begin(), close.end(), [&](const auto& a, const auto& b) {
    return distance(plain(word), plain(a)) < distance(plain(word), plain(b));
  });
  close.resize(kShown);
  return "; known: " + join(close) + " and " + std::to_string(known.size() - kShown) + " more" +
         did_you_mean(word, known);
}

}  // namespace elbo
