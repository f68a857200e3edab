#include "elbo/group/gloo_watch.h"

#include <algorithm>
#include <vector>

namespace elbo {
namespace {

using std::chrono::seconds;
constexpr std::chrono::milliseconds kBetweenBeats{500};
constexpr seconds kSilence{12};     // of a neighbour that is then held to be frozen
constexpr seconds kNoAnswer{15};    // of the meeting point
constexpr seconds kPatience{1};     // for a connection that another thread uses
constexpr seconds kForTheCause{4};  // how long to look for one
constexpr int64_t kAsked = 64;      // processes whose heartbeats are compared

std::string beat_key(int64_t rank) { return "beat/" + std::to_string(rank); }

std::vector<uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

std::string process_name(int64_t rank, int64_t size) {
  return "process " + std::to_string(rank) + " of " + std::to_string(size);
}

}  // namespace

GlooWatch::GlooWatch(c10::intrusive_ptr<c10d::Store> store, std::string where, int64_t rank,
                     int64_t size)
    : store_(std::move(store)),
      where_(std::move(where)),
      rank_(rank),
      size_(size),
      last_answer_(Clock::now().time_since_epoch().count()),
      thread_([this] { beat(); }) {}

GlooWatch::~GlooWatch() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ends_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void GlooWatch::beat() {
  for (;;) {
    try {
      {
        const std::lock_guard<std::timed_mutex> lock(store_mutex_);
        store_->add(beat_key(rank_), 1);
        look_at_neighbour();
        read_failure();
      }
      last_answer_ = Clock::now().time_since_epoch().count();
    } catch (const std::exception&) {
      // Nobody answers any more; failure() tells after a while, when it is no passing trouble.
    }
    std::unique_lock<std::mutex> lock(mutex_);
    if (wake_.wait_for(lock, kBetweenBeats, [this] { return ends_; })) return;
  }
}

void GlooWatch::look_at_neighbour() {
  const int64_t neighbour = (rank_ + 1) % size_;
  const int64_t beats = store_->add(beat_key(neighbour), 0);
  const auto now = Clock::now();
  if (beats != neighbour_beats_) {
    neighbour_beats_ = beats;
    neighbour_moved_ = now;
  } else if (now - neighbour_moved_ > kSilence) {
    const auto why = process_name(neighbour, size_) + " has not answered for " +
                     std::to_string(kSilence.count()) + " s: it is frozen or cut off";
    store_->compareSet(kFailed, {}, bytes_of(why));
  }
}

void GlooWatch::read_failure() {
  if (!store_->check({kFailed})) return;
  const auto bytes = store_->get(kFailed);
  const std::lock_guard<std::mutex> lock(mutex_);
  failure_.assign(bytes.begin(), bytes.end());
}

std::string GlooWatch::failure() const {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!failure_.empty()) return failure_;
  }
  const auto silent = Clock::now().time_since_epoch() - Clock::duration(last_answer_.load());
  if (silent < kNoAnswer) return "";
  return where_ + " has not answered for " + std::to_string(kNoAnswer.count()) +
         " s: process 0 or its launcher has ended, or the network is cut";
}

void GlooWatch::tell(const std::string& why) {
  try {
    const std::unique_lock<std::timed_mutex> lock(store_mutex_, kPatience);
    if (!lock) return;  // the heartbeat itself waits for an answer
    store_->compareSet(kFailed, {}, bytes_of(why));
    read_failure();
  } catch (const std::exception&) {
    // The meeting point is gone, and with it everybody who could read this.
  }
}

std::string GlooWatch::find_cause() {
  const auto end = Clock::now() + kForTheCause;
  std::string missing;
  try {
    missing = missing_beats();
  } catch (const std::exception&) {
    missing = where_ + " does not answer: process 0 or its launcher has ended";
  }
  while (failure().empty() && missing.empty() && Clock::now() < end) {
    std::this_thread::sleep_for(kBetweenBeats);
  }
  const auto told = failure();
  return !told.empty()      ? told
         : !missing.empty() ? missing
                            : "the connection to another process broke";
}

/// Who does not beat through a time in which all others do.
std::string GlooWatch::missing_beats() {
  const auto beats = [&] {
    std::vector<int64_t> all;
    const std::unique_lock<std::timed_mutex> lock(store_mutex_, kPatience);
    if (!lock) return all;
    for (int64_t r = 0; r < std::min(size_, kAsked); ++r)
      all.push_back(store_->add(beat_key(r), 0));
    return all;
  };
  const auto before = beats();
  for (int i = 0; i < 4 && failure().empty(); ++i) std::this_thread::sleep_for(kBetweenBeats);
  const auto after = beats();
  std::string names;
  for (size_t r = 0; r < std::min(before.size(), after.size()); ++r) {
    if (before[r] != after[r] || static_cast<int64_t>(r) == rank_) continue;
    names += (names.empty() ? "" : ", ") + process_name(static_cast<int64_t>(r), size_);
  }
  return names.empty() ? "" : names + " has ended or is cut off";
}

}  // namespace elbo
