#pragma once

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "elbo/tasks/task.h"

namespace elbo {

class FolderLock;

/// Tasks that take long, one after another on a thread of their own, with progress and cancelling.
/// Files go to a folder that vanishes with the object.
class Jobs {
 public:
  /// `memory`: bytes that a job may take.
  Jobs(std::shared_ptr<const Run> run, int64_t memory);
  ~Jobs();
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  /// {"task": "sample", "options": {…}, "ending": ".png"} -> {"id", "state"}. An unknown task or
  /// option, or a value that could name a file, is an Error; an HttpError 413 or 429 tells of a job
  /// that is too large, and of a full queue.
  Json add(const Json& question);
  /// {"id", "task", "state": waiting, running, done, failed, cancelled, "progress", "result",
  /// "error"}
  Json state(const std::string& id) const;
  Json cancel(const std::string& id);
  /// Asks all jobs to end.
  void cancel_all();
  /// The path of what a job has written. An Error where it has written nothing.
  std::string file(const std::string& id) const;
  const std::filesystem::path& folder() const { return folder_; }

 private:
  struct Job {
    std::string id, task, state = "waiting", error;
    std::shared_ptr<Task> body;
    std::filesystem::path out;
    double progress = 0;
    bool cancelled = false;
    Json result;
  };
  static Json told(const Job& job);
  std::shared_ptr<Job> find(const std::string& id) const;
  void work();
  void run(Job& job);
  void finish(const std::string& id);
  void keep_last(const std::string& id);

  std::shared_ptr<const Run> run_;
  std::shared_ptr<Model> model_;  // the worker's own: others may ask theirs meanwhile
  const int64_t memory_;
  std::filesystem::path folder_;
  std::shared_ptr<FolderLock> lock_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::shared_ptr<Job>> jobs_;
  std::deque<std::shared_ptr<Job>> waiting_;
  std::deque<std::string> finished_;  // oldest first
  int64_t count_ = 0;
  bool ending_ = false;
  std::thread worker_;
};

}  // namespace elbo
