#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "elbo/core/options.h"

namespace elbo {

/// What this machine offers to the dense kernels, and what slows it down.
struct CpuReport {
  std::string name;                // of the processor
  std::string kernels;             // widest instruction set that it has
  std::string blas;                // kernels that OpenBLAS chose; empty where it is not in use
  int64_t threads = 1;             // that the program uses
  int64_t cores = 1;               // that the process may run on
  bool dnnl = false;               // whether oneDNN is in the build and works
  double gflops = 0;               // of float32 matrix products on all cores; 0 = not measured
  double blas_gflops = 0;          // the same in the BLAS that ATen uses
  std::vector<std::string> notes;  // one sentence per thing that slows it down
};
Json to_json(const CpuReport& report);
/// "unknown" where the system does not tell.
std::string processor_name();
/// Measures the matrix products on all cores (about a second) where asked to.
CpuReport cpu_report(bool measure);

/// Called first by the program's main, never by the library: threads from affinity mask, quota and
/// what other processes use, buffers that are kept, denormals flushed. Re-executes the program once
/// where BLAS or OpenMP need settings that they read only when they are loaded; what the user has
/// set stays.
void prepare_cpu(char** argv);

/// Whether this build has oneDNN, and its product c = a b of square matrices.
bool has_dnnl();
/// False where it could not be computed.
bool dnnl_product(int64_t size, const float* a, const float* b, float* c);

}  // namespace elbo
