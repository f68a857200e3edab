#pragma once

#include <cstdint>

// What a process decides before libtorch is loaded; needs the C++ library alone.

namespace elbo {

// Set in the environment of the program to its number of threads: the decision is made once.
inline constexpr const char* kPrepared = "ELBO_PREPARED";
// Set by the small program that people start: BLAS, which it cannot ask, is still to be looked at.
inline constexpr const char* kStarted = "ELBO_STARTED";

/// Cores that this process may use: affinity mask and a container's quota.
int64_t usable_cores();
/// One thread for each core that nobody else wants, at least for half of them.
int64_t threads_for(int64_t cores);
/// Whether the variable was unset and is set now.
bool set_if_absent(const char* name, const char* value);
/// Sets how long OpenMP's threads spin where the user has not; whether anything has changed. It
/// holds for the whole run: shortly only where other processes meet a number of threads that stays,
/// as OMP_NUM_THREADS or a word `--threads` says.
bool prepare_openmp(bool shared, char** words);
/// kPrepared as a number of threads; 0 = not set.
int64_t prepared_threads();

}  // namespace elbo
