#pragma once

#include <functional>
#include <memory>
#include <string>

#include "elbo/core/api.h"
#include "elbo/core/tensor.h"

namespace ELBO_API elbo {

/// The processes that train one model together. All make the same calls in the same order; where
/// one of them ends or answers no more, the others' calls raise an Error that names it.
class Group {
 public:
  virtual ~Group() = default;
  virtual int64_t rank() const = 0;
  virtual int64_t size() const = 0;

  /// A contiguous tensor becomes the sum over all processes, the same bits everywhere.
  virtual void sum(const Tensor& t) = 0;
  /// A contiguous tensor becomes that of process 0.
  virtual void copy_first(const Tensor& t) = 0;
  /// [N, …] rows of each -> [size*N, …] in the order of the processes.
  virtual Tensor gather(const Tensor& rows) = 0;

  /// A sum under way.
  class Sum {
   public:
    virtual ~Sum() = default;
    virtual void wait() = 0;
  };
  /// Begins a sum in the background, on a channel of its own: its order is among such sums only.
  /// `done` is called when it is complete, maybe from another thread.
  virtual std::unique_ptr<Sum> begin_sum(const Tensor& t, std::function<void()> done = nullptr) = 0;

  /// Tells the others why this process is about to end.
  virtual void give_up(const std::string& why) = 0;
};

/// The group that this process trains in; null = alone.
Group* group();
/// How many processes train together; 1 = alone.
inline int64_t group_size() { return group() ? group()->size() : 1; }
/// Makes it the group of this process, within the scope.
class InGroup {
 public:
  explicit InGroup(std::shared_ptr<Group> group);
  ~InGroup();
  InGroup(const InGroup&) = delete;
  InGroup& operator=(const InGroup&) = delete;

 private:
  std::shared_ptr<Group> before_;
};

/// The sum over the group, itself where there is none; so is its gradient.
Tensor sum_over_group(const Tensor& t);
/// The same for a number.
double sum_over_group(double value);
/// All rows of the group's batch; `rows` where there is no group. No gradient.
Tensor rows_of_group(const Tensor& rows);
/// Every process gets process 0's text.
std::string text_of_first(const std::string& text);

}  // namespace elbo
