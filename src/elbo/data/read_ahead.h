#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace elbo {

/// Makes rows in threads of its own before they are asked for, in the order that was announced, and
/// at most so many ahead.
class ReadAhead {
 public:
  using Bytes = std::vector<uint8_t>;
  using Make = std::function<Bytes(int64_t row)>;
  ReadAhead(Make make, size_t most_ready, int threads);
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  /// Replaces what was announced before; what is ready of it is forgotten.
  void expect(std::vector<int64_t> rows);
  /// The row, waiting where a thread is at it; none where nobody was told to make it. Raises what
  /// making it has raised.
  std::optional<Bytes> take(int64_t row);

 private:
  struct Slot {
    Bytes bytes;
    std::exception_ptr error;
    bool ready = false;
  };
  void work();

  const Make make_;
  const size_t most_ready_;
  std::mutex mutex_;
  std::condition_variable work_, ready_;
  std::vector<int64_t> rows_;
  size_t next_ = 0;          // in rows_
  uint64_t generation_ = 0;  // counts announcements
  std::unordered_map<int64_t, Slot> slots_;
  bool ends_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace elbo
