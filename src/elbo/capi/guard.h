#pragma once

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>

#include "elbo/core/options.h"
#include "elbo/elbo.h"

// What every function of the C interface does around its work.

namespace elbo::capi {

/// A callback asked to stop.
class Stopped : public std::runtime_error {
 public:
  Stopped() : std::runtime_error("stopped by the caller") {}
};

/// Runs f and turns what it raises into a status and the message of elbo_last_error().
elbo_status guarded(const std::function<void()>& f);
/// The same for work that draws numbers or takes long: one at a time in a process, with torch's
/// random generator as it was found.
elbo_status computing(const std::function<void()>& f);

/// Raises an Error where a pointer that a function needs is null.
void check_given(const void* pointer, const char* function, const char* argument);
/// A JSON object of options; null and "" are the empty one.
Json options_from(const char* text, const char* where);
/// A copy that elbo_text_free() takes.
char* copied(const std::string& text);

/// The caller's callbacks; a null struct and null members do nothing.
class Calls {
 public:
  explicit Calls(const elbo_callbacks* calls) : calls_(calls ? *calls : elbo_callbacks{}) {}
  /// Whether to go on. Asks the caller some ten times a second.
  bool go_on(double done, const std::function<std::string()>& json = nullptr);
  /// Progress of a task, which ends where the caller wants it to: raises Stopped.
  std::function<void(double)> progress();
  void log(const std::string& line) const;
  void note(const std::string& text) const;

 private:
  elbo_callbacks calls_;
  std::chrono::steady_clock::time_point last_{};
};

/// Within its scope the calling thread and OpenMP's threads under it take denormal numbers for
/// zero, as the program does: same numbers, and no slow ones.
class WithoutDenormals {
 public:
  WithoutDenormals();
  ~WithoutDenormals();
  WithoutDenormals(const WithoutDenormals&) = delete;
  WithoutDenormals& operator=(const WithoutDenormals&) = delete;

 private:
  std::vector<unsigned> before_;  // of each thread
};

}  // namespace elbo::capi
