#include "elbo/serve/jobs.h"

#include <unistd.h>

#include "elbo/io/folder_lock.h"
#include "elbo/serve/http_error.h"
#include "elbo/serve/job_options.h"

namespace elbo {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostWaiting = 16, kMostKept = 64;
constexpr const char* kPlainLetters = "abcdefghijklmnopqrstuvwxyz.";

struct Cancelled {};

constexpr const char* kFolder = "elbo-serve-";

/// What killed servers have left: nobody holds its lock.
void remove_folders_of_killed(const fs::path& all) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(all, ignored)) {
    const auto path = entry.path().string();
    if (!entry.path().filename().string().starts_with(kFolder)) continue;
    if (entry.is_symlink(ignored) || !entry.is_directory(ignored) || !is_left_locked(path))
      continue;
    fs::remove_all(path, ignored);
  }
}

}  // namespace

Jobs::Jobs(std::shared_ptr<const Run> run, int64_t memory) : run_(std::move(run)), memory_(memory) {
  remove_folders_of_killed(fs::temp_directory_path());
  auto pattern = (fs::temp_directory_path() / (std::string(kFolder) + "XXXXXX")).string();
  check(::mkdtemp(pattern.data()) != nullptr, "[jobs] no temporary folder");
  folder_ = pattern;
  lock_ = FolderLock::take(pattern);
  worker_ = std::thread([this] { work(); });
}

Jobs::~Jobs() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    for (auto& [id, job] : jobs_) job->cancelled = true;
  }
  changed_.notify_all();
  worker_.join();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

Json Jobs::add(const Json& question) {
  check(question.is_object() && question.value("task", Json()).is_string(),
        "[jobs] expected {\"task\": NAME, \"options\": {…}}");
  const auto name = question["task"].get<std::string>();
  const Json options = question.value("options", Json::object());
  check(options.is_object(), "[jobs] options: expected an object");
  const auto& task = tasks().find(name);
  check_job_options(task, options);
  const auto job = std::make_shared<Job>();
  job->task = name;
  job->body = task.make(options);
  check_job_size(options, run_->schemas(), {memory_, folder_});
  check(job->body->data() != "must", "[jobs] ", name, " needs data; run it on the command line");
  const Json ending = question.value("ending", Json(""));
  const auto text = ending.is_string() ? ending.get<std::string>() : "";
  check(ending.is_string() && text.size() <= 8 &&
            text.find_first_not_of(kPlainLetters) == std::string::npos &&
            (text.empty() || text.rfind('.') == 0),
        "[jobs] ending: expected one like .png or .csv");
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= kMostWaiting) {
    throw HttpError(429, std::to_string(kMostWaiting) + " jobs are waiting; try later");
  }
  job->id = std::to_string(++count_);
  if (!text.empty()) job->out = folder_ / (job->id + text);
  jobs_[job->id] = job;
  waiting_.push_back(job);
  changed_.notify_all();
  return told(*job);
}

Json Jobs::told(const Job& job) {
  Json j{{"id", job.id}, {"task", job.task}, {"state", job.state}, {"progress", job.progress}};
  if (!job.error.empty()) j["error"] = job.error;
  if (!job.result.is_null()) j["result"] = job.result;
  return j;
}

std::shared_ptr<Jobs::Job> Jobs::find(const std::string& id) const {
  const auto at = jobs_.find(id);
  check(at != jobs_.end(), "[jobs] no job \"", id.substr(0, 32), "\"");
  return at->second;
}

Json Jobs::state(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  return told(*find(id));
}

Json Jobs::cancel(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto job = find(id);
  job->cancelled = true;
  if (job->state == "waiting") {
    // It keeps no place from others.
    job->state = "cancelled";
    std::erase(waiting_, job);
    keep_last(id);
  }
  return told(*job);
}

void Jobs::cancel_all() {
  const std::lock_guard lock(mutex_);
  for (auto& [id, job] : jobs_) job->cancelled = true;
}

std::string Jobs::file(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto job = find(id);
  check(job->state == "done" && !job->out.empty() && fs::exists(job->out), "[jobs] job ", job->id,
        " has no file");
  return job->out.string();
}

void Jobs::work() {
  for (;;) {
    std::shared_ptr<Job> job;
    bool wanted = false;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return ending_ || !waiting_.empty(); });
      if (ending_) return;
      job = waiting_.front();
      waiting_.pop_front();
      wanted = !job->cancelled;
      if (wanted) job->state = "running";
    }
    if (wanted) run(*job);
    finish(job->id);
  }
}

/// The last ones that ended can still be asked for; older ones go with their files.
void Jobs::finish(const std::string& id) {
  const std::lock_guard lock(mutex_);
  keep_last(id);
}

void Jobs::keep_last(const std::string& id) {
  finished_.push_back(id);
  if (finished_.size() <= kMostKept) return;
  std::error_code ignored;
  fs::remove(jobs_[finished_.front()]->out, ignored);
  jobs_.erase(finished_.front());
  finished_.pop_front();
}

void Jobs::run(Job& job) {
  std::string state = "done", error;
  Json result;
  try {
    if (!model_) model_ = run_->load();
    TaskInput input{run_, model_, "", job.out, {}};
    input.progress = [&](double done) {
      const std::lock_guard lock(mutex_);
      if (job.cancelled) throw Cancelled();
      job.progress = done;
    };
    // Without a name the task would write into the folder that the server was started in.
    if (job.out.empty()) input.out = folder_ / (job.id + ".csv");
    result = job.body->run(input);
    job.out = input.out;
  } catch (const Cancelled&) {
    state = "cancelled";
  } catch (const std::exception& e) {
    state = "failed";
    error = e.what();
  }
  if (result.is_object()) result.erase("file");
  const std::lock_guard lock(mutex_);
  job.state = state;
  job.error = error;
  job.result = result;
  if (state == "done") job.progress = 1;
}

}  // namespace elbo
