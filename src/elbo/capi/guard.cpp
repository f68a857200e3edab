#include "elbo/capi/guard.h"

#include <c10/util/Exception.h>
#include <omp.h>

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>

#include "elbo/core/random.h"
#include "elbo/io/json_text.h"
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace elbo::capi {
namespace {

thread_local std::string last_error;

elbo_status failed(elbo_status status, std::string message) {
  last_error = std::move(message);
  return status;
}

elbo_status defect_of(const std::string& what) {
  return failed(ELBO_INTERNAL, "internal error (a bug in elbo, not a mistake of yours): " + what);
}

elbo_status without_memory() {
  return failed(ELBO_OUT_OF_MEMORY,
                "[memory] out of memory: try a smaller batch, fewer rows or a smaller model");
}

/// libtorch's allocator has no exception of its own on the CPU.
elbo_status from_torch(const c10::Error& error) {
  const std::string what = error.what_without_backtrace();
  const bool memory = what.find("can't allocate memory") != std::string::npos ||
                      what.find("out of memory") != std::string::npos;
  return memory ? without_memory() : defect_of(what.substr(0, what.find('\n')));
}

std::recursive_mutex& work_mutex() {
  static std::recursive_mutex mutex;  // a callback may call the library
  return mutex;
}

}  // namespace

elbo_status guarded(const std::function<void()>& f) {
  try {
    f();
    return ELBO_OK;
  } catch (const Stopped& stopped) {
    return failed(ELBO_STOPPED, stopped.what());
  } catch (const Error& error) {
    return failed(ELBO_INVALID, error.what());
  } catch (const std::bad_alloc&) {
    return without_memory();
  } catch (const c10::Error& error) {
    return from_torch(error);
  } catch (const std::exception& error) {
    return defect_of(error.what());
  } catch (...) {
    return defect_of("unknown exception");
  }
}

elbo_status computing(const std::function<void()>& f) {
  return guarded([&] {
    const std::lock_guard lock(work_mutex());
    const RandomScope own_stream(0);
    f();
  });
}

void check_given(const void* pointer, const char* function, const char* argument) {
  check(pointer != nullptr, "[", function, "] ", argument, ": found NULL");
}

Json options_from(const char* text, const char* where) {
  if (!text || !*text) return Json::object();
  auto options = try_parse_json(text);
  check(options.is_object(), "[", where, "] options: expected a JSON object, found ", text);
  return options;
}

char* copied(const std::string& text) {
  auto* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (!copy) throw std::bad_alloc();
  std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

bool Calls::go_on(double done, const std::function<std::string()>& json) {
  if (!calls_.progress) return true;
  constexpr std::chrono::milliseconds kBetween{50};
  const auto now = std::chrono::steady_clock::now();
  if (done < 1 && now - last_ < kBetween) return true;
  last_ = now;
  const auto text = json ? json() : std::string();
  return calls_.progress(calls_.user, done, json ? text.c_str() : nullptr) == 0;
}

std::function<void(double)> Calls::progress() {
  return [this](double done) {
    if (!go_on(done)) throw Stopped();
  };
}

void Calls::log(const std::string& line) const {
  if (calls_.log) calls_.log(calls_.user, line.c_str());
}

void Calls::note(const std::string& text) const {
  if (calls_.note) calls_.note(calls_.user, text.c_str());
}

#if defined(__x86_64__)
WithoutDenormals::WithoutDenormals() : before_(static_cast<size_t>(omp_get_max_threads())) {
#pragma omp parallel
  {
    before_[static_cast<size_t>(omp_get_thread_num())] = _mm_getcsr();
    _mm_setcsr(_mm_getcsr() | 0x8040);  // flush to zero, denormals are zero
  }
}

WithoutDenormals::~WithoutDenormals() {
#pragma omp parallel num_threads(static_cast <int>(before_.size()))
  _mm_setcsr(before_[static_cast<size_t>(omp_get_thread_num())]);
}
#else
WithoutDenormals::WithoutDenormals() = default;
WithoutDenormals::~WithoutDenormals() = default;
#endif

}  // namespace elbo::capi

const char* elbo_last_error(void) { return elbo::capi::last_error.c_str(); }

void elbo_text_free(char* text) { std::free(text); }
