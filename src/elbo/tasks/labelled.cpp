#include "elbo/tasks/labelled.h"

#include <algorithm>

#include "elbo/io/image.h"
#include "elbo/io/letters.h"

namespace elbo {
namespace {

constexpr int64_t kTileGap = 2, kWordMargin = 4, kPaperShade = 255;

/// Whole times that small pictures are enlarged, as long as the grid stays of a screen's width.
int64_t enlargement(int64_t height, int64_t width, int64_t columns) {
  constexpr int64_t kSmall = 84, kLarge = 192, kScreen = 900, kWidest = 1600;
  const int64_t wanted = std::clamp(kScreen / columns, kSmall, kLarge) / std::max(height, width);
  return std::max<int64_t>(1, std::min(wanted, kWidest / std::max<int64_t>(1, columns * width)));
}

int64_t text_width(const std::string& text, int64_t size) {
  return static_cast<int64_t>(text.size()) * kLetterWidth * size;
}

/// Names of files are told apart by their ends.
std::vector<std::string> in_width(std::vector<std::string> words, int64_t width) {
  const auto most = static_cast<size_t>(std::max<int64_t>(1, width / kLetterWidth));
  for (auto& word : words) {
    if (word.size() > most) word = word.substr(word.rfind('/') + 1);
    if (word.size() > most) word = word.substr(word.size() - most);
  }
  return words;
}

/// The largest size of letters in which every word is at most so wide; 0 where none is.
int64_t letter_size(const std::vector<std::string>& words, int64_t width) {
  int64_t size = 2;
  for (const auto& word : words) {
    while (size > 0 && text_width(word, size) > width) --size;
  }
  return size;
}

}  // namespace

Tensor labelled_grid(const Tensor& pictures, int64_t columns, const RowLabels& labels) {
  const int64_t across = std::min(columns, pictures.size(0));
  const int64_t larger = enlargement(pictures.size(2), pictures.size(3), across);
  const auto tiles = pictures.repeat_interleave(larger, 2).repeat_interleave(larger, 3);
  const auto grid = image_grid(tiles, across, kTileGap);
  const int64_t height = tiles.size(2) + kTileGap, width = tiles.size(3) + kTileGap;
  const auto words = in_width(labels.top, width - kTileGap);
  const int64_t above = words.empty() ? 0 : letter_size(words, width);
  int64_t left = 0;
  constexpr int64_t kLeftSize = 2;
  for (const auto& word : labels.left) left = std::max(left, text_width(word, kLeftSize));
  if (above == 0 && left == 0) return grid;
  if (left > 0) left += 2 * kWordMargin;
  const int64_t top = above > 0 ? above * kLetterHeight + 2 * kWordMargin : 0;
  auto page = torch::full({grid.size(0), grid.size(1) + top, grid.size(2) + left}, kPaperShade,
                          torch::kUInt8);
  page.narrow(1, top, grid.size(1)).narrow(2, left, grid.size(2)).copy_(grid);
  for (size_t i = 0; above > 0 && i < words.size(); ++i) {
    const auto& word = words[i];
    const int64_t middle = (width - kTileGap - text_width(word, above)) / 2;
    write_text(page, word, kWordMargin, left + static_cast<int64_t>(i) * width + middle, above);
  }
  for (size_t i = 0; i < labels.left.size(); ++i) {
    const int64_t middle = (height - kTileGap - kLeftSize * kLetterHeight) / 2;
    const int64_t at = top + static_cast<int64_t>(i) * height + std::max<int64_t>(0, middle);
    write_text(page, labels.left[i], at, kWordMargin, kLeftSize);
  }
  return page;
}

}  // namespace elbo
