#include "elbo/core/device.h"

#include <torch/cuda.h>
#include <torch/version.h>

#include <charconv>

#include "elbo/core/error.h"

namespace elbo {
namespace {

bool built_with_cuda() { return at::globalContext().hasCUDA() || torch::cuda::is_available(); }
int64_t cuda_devices() {
  return torch::cuda::is_available() ? static_cast<int64_t>(torch::cuda::device_count()) : 0;
}

std::string found() {
  std::string names = "cpu";
  for (int64_t i = 0; i < cuda_devices(); ++i) names += ", cuda:" + std::to_string(i);
  return names;
}

std::string how_to_get_cuda() {
  if (built_with_cuda() && cuda_devices() > 0) return "";
  if (built_with_cuda()) {
    return "; this libtorch " TORCH_VERSION
           " knows CUDA, the driver shows no device (nvidia-smi, CUDA_VISIBLE_DEVICES)";
  }
  return "; this libtorch " TORCH_VERSION
         " was built without CUDA: build elbo against one with it, cmake -DCMAKE_PREFIX_PATH="
         "\"$(python3 -c 'import torch; print(torch.utils.cmake_prefix_path)')\", "
         "and see scripts/gpu_check.sh";
}

/// The number behind "cuda:"; `otherwise` where there is none.
int64_t number_in(const std::string& name, int64_t otherwise) {
  if (name == "cuda") return otherwise;
  int64_t number = -1;
  const char* end = name.data() + name.size();
  const auto read = std::from_chars(name.data() + 5, end, number);
  check(read.ec == std::errc() && read.ptr == end && number >= 0, "[device] ", name,
        ": expected cuda:NUMBER; found: ", found());
  return number;
}

}  // namespace

torch::Device choose_device(const std::string& name, int64_t local_rank) {
  if (name == "cpu" || (name == "auto" && cuda_devices() == 0)) return torch::kCPU;
  const bool any = name == "auto" || name == "cuda";
  check(any || name.starts_with("cuda:"), "[device] unknown \"", name,
        "\"; known: auto, cpu, cuda, cuda:NUMBER; found: ", found(), how_to_get_cuda());
  const int64_t number = number_in(any ? "cuda" : name, local_rank);
  check(number<cuda_devices(), "[device] ", name, number> 0
            ? " (number " + std::to_string(number) + ")"
            : "",
        ": not available; found: ", found(), how_to_get_cuda());
  return {torch::kCUDA, static_cast<torch::DeviceIndex>(number)};
}

Json device_report() {
  return {{"libtorch", TORCH_VERSION}, {"cuda", built_with_cuda()}, {"devices", found()}};
}

}  // namespace elbo
