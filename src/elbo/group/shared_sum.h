#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "elbo/core/tensor.h"

namespace elbo {

/// Sums over the processes of one machine, through memory that all of them see: each writes its
/// own numbers and adds everybody's, in the same order. Where every core computes, what a socket
/// costs in copies and wake-ups is taken from the computation.
class SharedSum {
 public:
  /// Room for `bytes` that are shown and not yet added, taken as it is used; null without it.
  static std::unique_ptr<SharedSum> make(int64_t rank, int64_t size, int64_t bytes);
  ~SharedSum();
  SharedSum(const SharedSum&) = delete;
  SharedSum& operator=(const SharedSum&) = delete;

  static constexpr int64_t kMostProcesses = 8;  // each reads what all have written

  /// What the other processes find this one's memory by.
  const std::string& name() const { return name_; }
  /// Everybody's names, by rank. False where one is not a process of this machine.
  bool open(const std::vector<std::string>& names);

  /// Whether there is room for one more tensor, a contiguous one on the CPU.
  bool fits(const Tensor& t) const;
  /// Shows this process's part to the others; all show theirs in the same order.
  uint32_t show(const Tensor& t);
  /// t, as shown, becomes the sum once all have shown theirs. `look` is called now and then while
  /// that lasts and may throw.
  void add(uint32_t shown, const Tensor& t, const std::function<void()>& look);

 private:
  SharedSum(int64_t rank, int64_t size, int64_t bytes);
  struct Header {
    uint64_t token;
    std::atomic<uint32_t> shown;
  };
  Header& header(size_t rank) const { return *reinterpret_cast<Header*>(memory_[rank]); }
  Tensor part(size_t rank, uint32_t shown, const Tensor& like) const;
  void wait_for(size_t rank, uint32_t shown, const std::function<void()>& look) const;

  const size_t rank_;
  const int64_t bytes_;
  int file_ = -1;
  std::string name_;
  std::vector<char*> memory_;  // by rank
  // Two halves in turn: who shows numbers in one has added all of the other, so that nobody waits
  // for the slowest reader.
  std::vector<int64_t> places_;  // of what was shown and not yet added
  uint32_t shown_ = 0, added_ = 0;
  int64_t half_ = 0, used_ = 0;
};

}  // namespace elbo
