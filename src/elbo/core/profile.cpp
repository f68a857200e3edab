#include "elbo/core/profile.h"

#include <ATen/record_function.h>

#include <algorithm>

namespace elbo {
namespace {

thread_local Timed* innermost = nullptr;
thread_local bool in_aten = false;
thread_local char this_thread = 0;  // its address tells threads apart

/// One of ATen's operations, without those that it is made of.
struct AtenSpan : at::ObserverContext {
  explicit AtenSpan(const char* name) : timed(name) { in_aten = true; }
  ~AtenSpan() override { in_aten = false; }
  AtenSpan(const AtenSpan&) = delete;
  AtenSpan& operator=(const AtenSpan&) = delete;
  Timed timed;
};

std::unique_ptr<at::ObserverContext> begin_aten(const at::RecordFunction& function) {
  auto* profile = Profile::current();
  if (!profile || in_aten) return nullptr;
  return std::make_unique<AtenSpan>(profile->kept(function.name()));
}

/// "encoder.out" of "encoder.out.weight".
std::string layer_of(const std::string& parameter) {
  const auto dot = parameter.rfind('.');
  return dot == std::string::npos ? parameter : parameter.substr(0, dot);
}

}  // namespace

std::atomic<Profile*> Profile::current_{nullptr};

Profile::Profile() : owner_(&this_thread) {
  observer_ = at::addThreadLocalCallback(
      at::RecordFunctionCallback(begin_aten).scopes({at::RecordScope::FUNCTION}));
  current_ = this;
}

Profile::~Profile() {
  current_ = nullptr;
  at::removeCallback(observer_);
}

void Profile::name(const void* weight, const std::string& parameter) {
  const std::lock_guard<std::mutex> lock(mutex_);
  names_[weight] = layer_of(parameter);
}

void Profile::clear() {
  const std::lock_guard<std::mutex> lock(mutex_);
  lines_.clear();
}

const char* Profile::kept(const std::string& text) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return texts_.insert(text).first->c_str();
}

void Profile::add(const Key& key, double seconds, const Work& work) {
  const std::lock_guard<std::mutex> lock(mutex_);
  auto& line = lines_[key];
  ++line.calls;
  line.seconds += seconds;
  line.work.flops += work.flops;
  line.work.bytes += work.bytes;
  line.work.bf16 = work.bf16;
}

std::vector<Profile::Line> Profile::lines() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<Line> list;
  for (auto [key, line] : lines_) {
    line.what = std::get<0>(key);
    line.aside = std::get<2>(key);
    const auto named = names_.find(std::get<1>(key));
    if (named != names_.end()) line.layer = named->second;
    // A text that stands at two addresses is one operation.
    const auto same = std::find_if(list.begin(), list.end(), [&, &line = line](const Line& other) {
      return other.what == line.what && other.layer == line.layer && other.aside == line.aside;
    });
    if (same == list.end()) {
      list.push_back(std::move(line));
      continue;
    }
    same->calls += line.calls;
    same->seconds += line.seconds;
    same->work.flops += line.work.flops;
    same->work.bytes += line.work.bytes;
  }
  std::stable_sort(list.begin(), list.end(),
                   [](const Line& a, const Line& b) { return a.seconds > b.seconds; });
  return list;
}

void Timed::begin(Profile& profile, const char* what, const void* weight, const Work& work) {
  profile_ = &profile;
  what_ = what;
  weight_ = weight;
  work_ = work;
  outer_ = innermost;
  innermost = this;
  began_ = std::chrono::steady_clock::now();
}

void Timed::end() {
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - began_;
  innermost = outer_;
  if (outer_) outer_->within_ += spent.count();
  if (Profile::current() != profile_) return;
  profile_->add({what_, weight_, &this_thread != profile_->owner_}, spent.count() - within_, work_);
}

}  // namespace elbo
