#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace elbo {

/// A text as far as it is written, token by token, and what may follow.
class Writing {
 public:
  virtual ~Writing() = default;
  virtual std::unique_ptr<Writing> copy() const = 0;
  /// For each token of the vocabulary 1 where it may follow, else 0; `room`: how many tokens fit
  /// behind it. All of them where the text has left the grammar already.
  virtual std::vector<uint8_t> allowed(int64_t room) const = 0;
  virtual void write(int64_t token) = 0;
};

/// Rules of a language of tokens.
class Grammar {
 public:
  virtual ~Grammar() = default;
  /// Nothing written yet.
  virtual std::unique_ptr<Writing> begin() const = 0;
};

}  // namespace elbo
