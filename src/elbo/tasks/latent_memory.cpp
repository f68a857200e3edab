#include "elbo/tasks/latent_memory.h"

#include <malloc.h>
#include <unistd.h>

#include <charconv>
#include <cmath>
#include <fstream>

#include "elbo/core/text.h"
#include "elbo/io/memory_bound.h"

namespace elbo {
namespace {

int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  int64_t all = 0, resident = 0;
  file >> all >> resident;
  return file ? resident * sysconf(_SC_PAGESIZE) : 0;
}

/// The program's malloc keeps what is freed (host/buffers.h), which suits steps that are all alike.
/// Here blocks of many sizes come and go, and what the weights' file took is left: those of so many
/// bytes and more go back to the system, at the price of its clearing them.
void hand_back_memory(int large) {
#ifdef __GLIBC__
  constexpr int kMostMaps = 65536;
  mallopt(M_MMAP_MAX, kMostMaps);
  mallopt(M_MMAP_THRESHOLD, large);
  mallopt(M_TRIM_THRESHOLD, large);
  malloc_trim(0);
#endif
}

}  // namespace

int64_t memory_from(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  auto unit = lower_case(std::string(end, text.data() + text.size()));
  if (unit.ends_with("ib")) unit.resize(unit.size() - 2);
  if (unit.ends_with("b")) unit.resize(unit.size() - 1);
  const int power = unit == "k" ? 1 : unit == "m" ? 2 : unit == "g" ? 3 : unit == "t" ? 4 : 0;
  const bool fits = error == std::errc() && power > 0 && value > 0 && value < 1e6;
  check(fits, "[memory] found \"", text, "\", expected a size such as 2G or 800M");
  return static_cast<int64_t>(value * std::pow(1024.0, power));
}

int64_t picture_budget(const std::string& text) {
  constexpr int64_t kLeast = int64_t{1} << 26;
  hand_back_memory(32 << 20);
  if (text.empty()) return std::max(kLeast, most_unpacked());
  const int64_t taken = resident_bytes(), left = memory_from(text) - taken;
  check(left >= kLeast, "[memory] ", text, ": the program and the weights take ", taken >> 20,
        " MB; name at least ", (taken + kLeast) >> 20, "M");
  return left;
}

bool goes_in_bands(const PictureNetwork& network, const Tensor& row, int64_t budget) {
  const Shape shape(row.sizes().begin() + 1, row.sizes().end());
  if (network.peak_bytes(shape) <= budget) return false;
  hand_back_memory(1 << 20);
  return true;
}

PictureNetwork& picture_network_in(torch::nn::Module& part, const std::string& run) {
  for (const auto& module : part.modules()) {
    if (auto* network = dynamic_cast<PictureNetwork*>(module.get())) return *network;
  }
  fail("[latents] ", run,
       ": its network is made for one size of pictures; latents are of networks such as "
       "autoencoder_kl (leave out --latents for codes)");
}

}  // namespace elbo
