#include "elbo/coding/ans.h"

#include "elbo/core/error.h"
#include "elbo/core/random.h"
#include "elbo/exact/math.h"

namespace elbo {
namespace {

constexpr double kPerLn2 = 0x1.71547652b82fep+0;

uint32_t borrowed_word(uint64_t place) {
  constexpr uint64_t kStream = 0x656c626f2d616e73;  // any fixed number
  return static_cast<uint32_t>(bits_at(kStream, place) >> 32);
}

}  // namespace

AnsStack::AnsStack(std::vector<uint32_t> words) : words_(std::move(words)) {
  check(words_.size() >= 2, "[coding] bits: found ", words_.size(), " words, expected 2 or more");
  state_ = words_.back();
  words_.pop_back();
  state_ = state_ << 32 | words_.back();
  words_.pop_back();
  check(state_ >= kLowest, "[coding] bits: their state is none that a coder leaves");
}

std::vector<uint32_t> AnsStack::words() const {
  auto all = words_;
  all.push_back(static_cast<uint32_t>(state_));
  all.push_back(static_cast<uint32_t>(state_ >> 32));
  return all;
}

void AnsStack::push(uint32_t start, uint32_t frequency, int bits, uint32_t turn) {
  // In two steps, since 2^(64 - bits) times the frequency need not fit.
  if (state_ >> (64 - bits) >= frequency) {
    words_.push_back(static_cast<uint32_t>(state_));
    state_ >>= 32;
  }
  const uint64_t mask = (uint64_t{1} << bits) - 1;
  state_ = ((state_ / frequency) << bits) + ((state_ % frequency + start + turn) & mask);
}

void AnsStack::pop(uint32_t start, uint32_t frequency, int bits, uint32_t turn) {
  state_ = frequency * (state_ >> bits) + peek(bits, turn) - start;
  if (state_ >= kLowest) return;
  if (words_.empty()) {
    state_ = state_ << 32 | borrowed_word(borrowed_++);
  } else {
    state_ = state_ << 32 | words_.back();
    words_.pop_back();
  }
}

double AnsStack::information() const {
  const double words = static_cast<double>(words_.size()) - static_cast<double>(borrowed_);
  return 32 * words + exact::log(static_cast<double>(state_)) * kPerLn2;
}

void push_all(AnsStack& to, const std::vector<Interval>& symbols) {
  for (auto s = symbols.rbegin(); s != symbols.rend(); ++s) {
    to.push(s->start, s->frequency, s->bits, s->turn);
  }
}

bool AnsStack::spent() const {
  if (state_ != kLowest) return false;
  // The first borrowed word comes back last.
  for (size_t i = 0; i < words_.size(); ++i) {
    if (words_[i] != borrowed_word(words_.size() - 1 - i)) return false;
  }
  return true;
}

}  // namespace elbo
