#include "elbo/train/gradient_sum.h"

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <cassert>

namespace elbo {
namespace {

// Floats of one sum: a share of all, so that the first begins early, but so many that latency is
// little of it.
constexpr int64_t kLeast = int64_t{1} << 17, kMost = int64_t{1} << 21, kSums = 8;

/// Calls f once a parameter's gradient of a backward pass is complete.
class Ready : public torch::autograd::FunctionPostHook {
 public:
  explicit Ready(std::function<void()> f) : f_(std::move(f)) {}
  torch::autograd::variable_list operator()(const torch::autograd::variable_list& outputs,
                                            const torch::autograd::variable_list&) override {
    f_();
    return outputs;
  }

 private:
  std::function<void()> f_;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

GradientSum::GradientSum(FlatParameters& flat, const std::vector<std::vector<Span>>& players)
    : flat_(flat) {
  for (const auto& spans : players) passes_.push_back(make_pass(spans));
  for (size_t i = 0; i < flat.parameters().size(); ++i) {
    const auto& p = flat.parameters()[i];
    if (!p.requires_grad()) continue;
    auto node = torch::autograd::impl::grad_accumulator(p);
    node->add_post_hook(std::make_unique<Ready>([this, i] { ready(i); }));
    nodes_.push_back(std::move(node));
  }
}

GradientSum::~GradientSum() {
  // A node may outlive its hook's owner in a graph that somebody still holds.
  for (const auto& node : nodes_) node->post_hooks().clear();
}

GradientSum::Pass GradientSum::make_pass(const std::vector<Span>& spans) const {
  Pass pass;
  pass.bucket.assign(flat_.spans().size(), -1);
  int64_t all = 0;
  for (const auto& span : spans) all += span.size;
  const auto enough = std::clamp(all / kSums, kLeast, kMost);
  for (size_t i = flat_.spans().size(); i-- > 0;) {
    const auto& own = flat_.spans()[i];
    const bool wanted = std::any_of(spans.begin(), spans.end(),
                                    [&](const Span& s) { return s.offset == own.offset; });
    if (!wanted || own.size == 0) continue;
    // Only neighbours share a sum: between them may lie another player's gradients.
    const bool beside = i + 1 < pass.bucket.size() && pass.bucket[i + 1] >= 0;
    if (!beside || pass.buckets.back().size >= enough) {
      pass.buckets.push_back({own.offset, own.size, {}, 0});
    } else {
      auto& last = pass.buckets.back();
      last.size += last.offset - own.offset;
      last.offset = own.offset;
    }
    pass.buckets.back().parameters.push_back(i);
    pass.bucket[i] = static_cast<int64_t>(pass.buckets.size()) - 1;
  }
  for (size_t b = 0; b < pass.buckets.size(); ++b) pass.order.push_back(b);
  return pass;
}

void GradientSum::begin(size_t player) {
  assert(!pass_);
  pass_ = &passes_.at(player);
  for (auto& bucket : pass_->buckets) bucket.missing = bucket.parameters.size();
  next_ = 0;
  events_ = std::make_shared<std::vector<Event>>();
  events_->reserve(pass_->buckets.size());
  start_ = Clock::now();
}

void GradientSum::ready(size_t parameter) {
  if (!pass_ || pass_->bucket[parameter] < 0) return;
  const auto number = static_cast<size_t>(pass_->bucket[parameter]);
  flat_.attach(parameter);
  auto& bucket = pass_->buckets[number];
  if (bucket.missing == 0 || --bucket.missing > 0) return;
  if (pass_->ordered) {
    begin_ready_sums();
  } else {
    pass_->finished.push_back(number);
  }
}

void GradientSum::begin_ready_sums() {
  for (; next_ < pass_->order.size(); ++next_) {
    const auto& bucket = pass_->buckets[pass_->order[next_]];
    if (bucket.missing > 0) return;
    begin_sum(bucket);
  }
}

void GradientSum::begin_sum(const Bucket& bucket) {
  const size_t place = events_->size();
  events_->push_back({bucket.size * static_cast<int64_t>(sizeof(float)), seconds_since(start_), 0});
  const auto done = [events = events_, place, start = start_] {
    (*events)[place].ended = seconds_since(start);
  };
  sums_.push_back(group()->begin_sum(flat_.gradients.narrow(0, bucket.offset, bucket.size), done));
}

void GradientSum::finish() {
  backward_seconds_ = seconds_since(start_);
  flat_.attach();
  // Parameters that this pass did not reach have a gradient of zero.
  for (auto& bucket : pass_->buckets) bucket.missing = 0;
  begin_ready_sums();
  for (const auto& sum : sums_) sum->wait();
  sums_.clear();
  if (!pass_->ordered) agree_on_order(*pass_);
  pass_ = nullptr;
}

void GradientSum::agree_on_order(Pass& pass) {
  for (size_t b = 0; b < pass.buckets.size(); ++b) {
    const bool known =
        std::find(pass.finished.begin(), pass.finished.end(), b) != pass.finished.end();
    if (!known) pass.finished.push_back(b);
  }
  std::vector<int64_t> found(pass.finished.begin(), pass.finished.end());
  const auto order = torch::tensor(found, torch::kInt64);
  group()->copy_first(order);
  for (size_t b = 0; b < found.size(); ++b) {
    pass.order[b] = static_cast<size_t>(order.data_ptr<int64_t>()[b]);
  }
  pass.ordered = true;
}

double hidden_share(const std::vector<GradientSum::Event>& events, double backward_seconds) {
  // Sums overlap: the time in which any is under way.
  auto sorted = events;
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.began < b.began; });
  double all = 0, hidden = 0, reached = 0;
  for (const auto& e : sorted) {
    const double from = std::max(e.began, reached), to = std::max(e.ended, from);
    all += to - from;
    hidden += std::max(0.0, std::min(to, backward_seconds) - std::min(from, backward_seconds));
    reached = std::max(reached, to);
  }
  return all > 0 ? hidden / all : 1;
}

}  // namespace elbo
