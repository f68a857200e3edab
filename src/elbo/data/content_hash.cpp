#include "elbo/data/content_hash.h"

#include <cstring>

#include "elbo/data/rows.h"

namespace elbo {
namespace {

/// Four streams of multiply and rotate, so that a processor has always one to go on with.
class Hash {
 public:
  void add(const void* bytes, size_t size) {
    const auto* from = static_cast<const unsigned char*>(bytes);
    length_ += size;
    for (; size >= 32; from += 32, size -= 32) {
      for (size_t k = 0; k < 4; ++k) mix(k, word(from + 8 * k, 8));
    }
    for (size_t k = 0; size > 0; ++k) {
      const size_t part = std::min<size_t>(size, 8);
      mix(k, word(from, part));
      from += part;
      size -= part;
    }
  }
  void add(const Tensor& tensor) {
    const int64_t here = tensor.defined() ? tensor.numel() : -1;
    add(&here, sizeof here);
    if (here <= 0) return;
    const auto plain = tensor.to(torch::kCPU).contiguous();
    add(plain.data_ptr(), plain.nbytes());
  }
  std::string text() const {
    uint64_t all = length_;
    for (const uint64_t part : state_) {
      all = (all ^ part) * kMultiplier;
      all ^= all >> 29;
    }
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(all));
    return digits;
  }

 private:
  static constexpr uint64_t kMultiplier = 0x9e3779b97f4a7c15;
  static uint64_t word(const unsigned char* from, size_t size) {
    uint64_t value = 0;
    std::memcpy(&value, from, size);
    return value;
  }
  void mix(size_t k, uint64_t value) {
    auto& s = state_[k];
    s = (s ^ value) * kMultiplier;
    s = s << 31 | s >> 33;
  }

  uint64_t state_[4] = {1, 2, 3, 4};
  uint64_t length_ = 0;
};

void add_batch(Hash& hash, const Batch& batch) {
  for (const auto* part : {&batch.x, &batch.mask, &batch.c, &batch.y, &batch.target})
    hash.add(*part);
}

}  // namespace

std::string content_hash(const Dataset& data) {
  constexpr int64_t kMostNumbers = int64_t{1} << 28, kBlock = 512;
  const int64_t n = data.size(), width = std::max<int64_t>(1, numel(data.schemas().x.shape));
  const int64_t some = std::min(n, std::max<int64_t>(kBlock, kMostNumbers / width));
  Hash hash;
  hash.add(&n, sizeof n);
  const auto* bytes = dynamic_cast<const ByteRows*>(&data);
  const bool plain = bytes && n > 0 && bytes->bytes(0) != nullptr;
  for (int64_t at = 0; at < some; at += kBlock) {
    std::vector<int64_t> rows;
    for (int64_t k = at; k < std::min(some, at + kBlock); ++k) {
      rows.push_back(some == n
                         ? k
                         : static_cast<int64_t>(static_cast<double>(k) * static_cast<double>(n) /
                                                static_cast<double>(some)));
    }
    const auto which = torch::tensor(rows, torch::kInt64);
    if (!plain) {
      add_batch(hash, data.get(which));
      continue;
    }
    for (const int64_t row : rows) hash.add(bytes->bytes(row), static_cast<size_t>(width));
    add_batch(hash, bytes->get_rest(which));
  }
  if (const auto weights = data.weights(); weights.defined()) hash.add(weights);
  return hash.text();
}

}  // namespace elbo
