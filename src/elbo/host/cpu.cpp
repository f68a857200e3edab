#include "elbo/host/cpu.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <omp.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <limits>

#include "elbo/core/tensor.h"
#include "elbo/host/buffers.h"
#include "elbo/host/start.h"
#include "elbo/host/threads.h"
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace elbo {
namespace {

std::string openblas_kernels() {
  using Name = char* (*)();
  const auto name = reinterpret_cast<Name>(dlsym(RTLD_DEFAULT, "openblas_get_corename"));
  return name ? name() : "";
}

#if defined(__x86_64__)
bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#else
bool has_avx512() { return false; }
bool has_avx2() { return false; }
#endif

/// The widest vector instructions that the kernels use here; empty: those of any such processor.
std::string vector_instructions() {
#if defined(__aarch64__)
  return "NEON";
#else
  return has_avx512() ? "AVX-512" : has_avx2() ? "AVX2" : "";
#endif
}

bool one_of_names(const std::string& name, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(), [&](const char* n) { return name == n; });
}

/// The OpenBLAS kernels that suit this processor, where it chose older ones; else empty.
std::string better_blas() {
  const auto chosen = openblas_kernels();
  if (chosen.empty()) return "";
  const bool wide = one_of_names(chosen, {"SkylakeX", "Cooperlake", "Sapphirerapids"});
  if (has_avx512()) return wide ? "" : "SkylakeX";
  const bool middle = wide || one_of_names(chosen, {"Haswell", "Zen"});
  return has_avx2() && !middle ? "Haswell" : "";
}

void flush_denormals() {
#if defined(__x86_64__)
#pragma omp parallel
  _mm_setcsr(_mm_getcsr() | 0x8040);  // flush to zero, denormals are zero
#endif
}

void restart_with_settings(char** argv, int64_t threads, bool shared) {
  if (!argv) return;
  bool changed = set_if_absent("OPENBLAS_CORETYPE", better_blas().c_str());
  changed |= prepare_openmp(shared, argv);
  if (!changed) return;
  setenv(kPrepared, std::to_string(threads).c_str(), 1);
  // Fails only where /proc is not mounted; then the program goes on, slower.
  execv("/proc/self/exe", argv);
}

double seconds_of(const std::function<void()>& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

bool dnnl_works() {
  const float two = 2;
  float product = 0;
  return dnnl_product(1, &two, &two, &product) && product == 4;
}

/// The best of many products of square matrices, in GFLOP/s. They are short, so that some of them
/// have all cores to themselves also where another process wants one.
double measured_gflops(const std::function<void(const Tensor&, const Tensor&, Tensor&)>& product) {
  constexpr int64_t kSize = 768;
  constexpr double kMost = 0.4;  // seconds
  const auto a = torch::ones({kSize, kSize}), b = torch::ones({kSize, kSize});
  auto c = torch::zeros({kSize, kSize});
  double least = std::numeric_limits<double>::infinity();
  for (double spent = 0; spent < kMost;) {
    const double seconds = seconds_of([&] { product(a, b, c); });
    least = std::min(least, seconds);
    spent += seconds;
  }
  return 2e-9 * kSize * kSize * kSize / least;
}

/// A thread on each usable core, whatever is fixed, as long as it lives. Beside another process the
/// threads would else take turns on the cores that it leaves.
class ThreadOnEachCore {
 public:
  explicit ThreadOnEachCore(int64_t cores) {
    sched_getaffinity(0, sizeof usable_, &usable_);
    std::vector<int> each;
    for (int core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(core, &usable_)) each.push_back(core);
    }
    at::set_num_threads(static_cast<int>(cores));
    if (each.size() < static_cast<size_t>(cores)) return;
#pragma omp parallel
    {
      cpu_set_t own;
      CPU_ZERO(&own);
      CPU_SET(each[static_cast<size_t>(omp_get_thread_num())], &own);
      sched_setaffinity(0, sizeof own, &own);
    }
  }
  ~ThreadOnEachCore() {
#pragma omp parallel
    sched_setaffinity(0, sizeof usable_, &usable_);
    at::set_num_threads(before_);
  }
  ThreadOnEachCore(const ThreadOnEachCore&) = delete;
  ThreadOnEachCore& operator=(const ThreadOnEachCore&) = delete;

 private:
  int before_ = at::get_num_threads();
  cpu_set_t usable_{};
};

std::vector<std::string> notes(const CpuReport& r) {
  std::vector<std::string> list;
  if (vector_instructions().empty())
    list.push_back("the processor has no AVX2: expect a quarter of the usual speed");
  if (const auto better = better_blas(); !better.empty()) {
    list.push_back("OpenBLAS runs its " + r.blas + " kernels; OPENBLAS_CORETYPE=" + better +
                   " is faster here");
  }
  using Parallel = int (*)();
  const auto parallel = reinterpret_cast<Parallel>(dlsym(RTLD_DEFAULT, "openblas_get_parallel"));
  if (parallel && parallel() == 1) {
    list.push_back("OpenBLAS has threads of its own beside OpenMP's: install libopenblas0-openmp");
  }
  if (r.threads > r.cores) {
    list.push_back("more threads (" + std::to_string(r.threads) + ") than cores (" +
                   std::to_string(r.cores) + ")");
  }
  if (const auto note = note_on_threads(); !note.empty()) list.push_back(note);
  if (r.threads > 1 && !std::getenv("GOMP_SPINCOUNT") && !std::getenv("OMP_WAIT_POLICY")) {
    list.push_back(
        "idle OpenMP threads spin, which slows this program to a crawl where another process "
        "shares a core. Set GOMP_SPINCOUNT=100 to avoid this");
  }
  if (!has_dnnl())
    list.push_back("built without oneDNN: dense layers and convolutions run in ATen");
  if (has_dnnl() && !r.dnnl) {
    list.push_back("oneDNN computes no products here: its library and another in libtorch collide");
  }
  if (r.gflops > 0 && r.blas_gflops > 0 && r.blas_gflops < r.gflops / 2) {
    list.push_back("BLAS reaches less than half of what oneDNN does");
  }
  return list;
}

}  // namespace

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(':');
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) {
      return line.substr(std::min(colon + 2, line.size()));
    }
  }
  return "unknown";
}

void prepare_cpu(char** argv) {
  const int64_t cores = usable_cores();
  const int64_t prepared = prepared_threads();
  // Processes started by this one have fewer cores than it.
  const int64_t threads = prepared > 0 ? std::min(cores, prepared) : threads_for(cores);
  const bool unasked = std::getenv(kStarted) != nullptr;
  unsetenv(kStarted);
  if (prepared == 0 || unasked) restart_with_settings(argv, threads, threads < cores);
  keep_buffers();
  use_threads(threads);
  flush_denormals();
}

CpuReport cpu_report(bool measure) {
  CpuReport r;
  r.name = processor_name();
  r.kernels = vector_instructions();
  if (r.kernels.empty()) r.kernels = "baseline";
  r.blas = openblas_kernels();
  r.threads = at::get_num_threads();
  r.cores = usable_cores();
  r.dnnl = has_dnnl() && dnnl_works();
  if (measure) {
    torch::NoGradGuard no_grad;
    const ThreadOnEachCore all(r.cores);
    r.blas_gflops = measured_gflops(
        [](const Tensor& a, const Tensor& b, Tensor& c) { torch::mm_out(c, a, b); });
    if (r.dnnl) {
      r.gflops = measured_gflops([](const Tensor& a, const Tensor& b, Tensor& c) {
        dnnl_product(a.size(0), a.data_ptr<float>(), b.data_ptr<float>(), c.data_ptr<float>());
      });
    }
  }
  if (!r.dnnl) r.gflops = r.blas_gflops;
  r.notes = notes(r);
  return r;
}

Json to_json(const CpuReport& r) {
  return {{"name", r.name},
          {"kernels", r.kernels},
          {"blas", r.blas},
          {"threads", r.threads},
          {"cores", r.cores},
          {"gflops", r.gflops},
          {"blas_gflops", r.blas_gflops},
          {"notes", r.notes}};
}

}  // namespace elbo
