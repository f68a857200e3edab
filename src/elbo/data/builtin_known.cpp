#include <array>
#include <cmath>

#include "elbo/data/builtin.h"
#include "elbo/data/open.h"
#include "elbo/data/reader.h"

// Data whose distribution is known exactly, so that a model's numbers can be held against it.
namespace elbo {
namespace {

constexpr int kBits = 16, kPatterns = 8;
constexpr double kFlip = 0.05;

/// Entropy in nats of the equal mixture of the patterns with independent flips, over all states.
double mixture_entropy(const std::array<uint32_t, kPatterns>& patterns) {
  std::array<double, kBits + 1> weight;  // of a state that differs in so many bits
  for (int d = 0; d <= kBits; ++d) {
    weight[d] = std::pow(kFlip, d) * std::pow(1 - kFlip, kBits - d) / kPatterns;
  }
  double entropy = 0;
  for (uint32_t state = 0; state < (1u << kBits); ++state) {
    double p = 0;
    for (const uint32_t pattern : patterns) p += weight[__builtin_popcount(state ^ pattern)];
    entropy -= p * std::log(p);
  }
  return entropy;
}

Data make_codes(const MadePart& part, uint64_t key) {
  std::array<uint32_t, kPatterns> patterns;
  std::vector<std::string> names;
  for (int k = 0; k < kPatterns; ++k) {
    patterns[k] = static_cast<uint32_t>(bits_at(key, k) >> (64 - kBits));
    std::string name;
    for (int i = 0; i < kBits; ++i) name += (patterns[k] >> i) & 1 ? '1' : '0';
    names.push_back(name);
  }
  Arrays a;
  a.x = torch::empty({part.rows, kBits}, torch::kUInt8);
  a.y = torch::empty({part.rows}, torch::kInt64);
  auto* x = a.x.data_ptr<uint8_t>();
  auto* y = a.y.data_ptr<int64_t>();
  for (int64_t r = 0; r < part.rows; ++r) {
    const uint64_t at = static_cast<uint64_t>(r) * (kBits + 1);
    y[r] = static_cast<int64_t>(bits_at(part.stream, at) >> 61);  // of 8
    for (int i = 0; i < kBits; ++i) {
      const bool flip = uniform_at(part.stream, at + 1 + static_cast<uint64_t>(i)) < kFlip;
      x[r * kBits + i] = ((patterns[static_cast<size_t>(y[r])] >> i) & 1) ^ (flip ? 1 : 0);
    }
  }
  a.schemas.x = {{kBits}, Kind::kBinary, Json::object()};
  a.schemas.x.detail["entropy"] = mixture_entropy(patterns);
  a.schemas.x.detail["patterns"] = names;
  a.schemas.x.detail["flip"] = kFlip;
  a.schemas.y = category_schema(names);
  return in_memory(std::move(a));
}

constexpr int64_t kWide = 8, kRank = 2;
constexpr double kNoise = 0.5;

/// x = W z + mean + 0.5 e: the model of probabilistic PCA (Tipping & Bishop 1999).
Data make_gaussian(const MadePart& part, uint64_t key) {
  double w[kWide][kRank], mean[kWide];
  for (int64_t i = 0; i < kWide; ++i) {
    for (int64_t j = 0; j < kRank; ++j) {
      w[i][j] = normal_at(key, static_cast<uint64_t>(i * kRank + j));
    }
    mean[i] = normal_at(key, static_cast<uint64_t>(kWide * kRank + i));
  }
  Arrays a;
  a.x = torch::empty({part.rows, kWide});
  a.factors = torch::empty({part.rows, kRank});
  auto* x = a.x.data_ptr<float>();
  auto* f = a.factors.data_ptr<float>();
  for (int64_t r = 0; r < part.rows; ++r) {
    const uint64_t at = static_cast<uint64_t>(r * (kWide + kRank));
    double z[kRank];
    for (int64_t j = 0; j < kRank; ++j) {
      z[j] = normal_at(part.stream, at + static_cast<uint64_t>(j));
      f[r * kRank + j] = static_cast<float>(z[j]);
    }
    for (int64_t i = 0; i < kWide; ++i) {
      double value =
          mean[i] + kNoise * normal_at(part.stream, at + static_cast<uint64_t>(kRank + i));
      for (int64_t j = 0; j < kRank; ++j) value += w[i][j] * z[j];
      x[r * kWide + i] = static_cast<float>(value);
    }
  }
  a.schemas.x = real_schema(a.x);
  auto& detail = a.schemas.x.detail;
  detail["W"] = w;
  detail["mean"] = mean;
  detail["sigma"] = kNoise;
  detail["factors"] = {"z0", "z1"};
  return in_memory(std::move(a));
}

constexpr int64_t kSteps = 24, kAxes = 2;
constexpr double kAngle = 2 * M_PI / 12, kDamping = 0.95, kPush = 0.3;

/// s_t = 0.95 R s_{t-1} + 0.3 e_t, where R turns the plane by 30 degrees and s_1 has the process's
/// own distribution, a round normal.
Data make_oscillation(const MadePart& part, uint64_t) {
  const double deviation = kPush / std::sqrt(1 - kDamping * kDamping);
  const double cosine = kDamping * std::cos(kAngle), sine = kDamping * std::sin(kAngle);
  Arrays a;
  a.x = torch::empty({part.rows, kSteps, kAxes});
  auto* x = a.x.data_ptr<float>();
  for (int64_t r = 0; r < part.rows; ++r) {
    double s[kAxes] = {0, 0};
    for (int64_t t = 0; t < kSteps; ++t) {
      const auto at = static_cast<uint64_t>((r * kSteps + t) * kAxes);
      const double push = t == 0 ? deviation : kPush;
      const double turned[kAxes] = {cosine * s[0] - sine * s[1], sine * s[0] + cosine * s[1]};
      for (int64_t i = 0; i < kAxes; ++i) {
        s[i] = turned[i] + push * normal_at(part.stream, at + static_cast<uint64_t>(i));
        x[(r * kSteps + t) * kAxes + i] = static_cast<float>(s[i]);
      }
    }
  }
  const auto of_normal = [](double scale) {
    return 0.5 * std::log(2 * M_PI * M_E) + std::log(scale);
  };
  a.schemas.x = real_schema(a.x);
  a.schemas.x.detail["entropy"] = kAxes * (of_normal(deviation) + (kSteps - 1) * of_normal(kPush));
  a.schemas.x.detail["damping"] = kDamping;
  a.schemas.x.detail["angle"] = kAngle;
  a.schemas.x.detail["push"] = kPush;
  return in_memory(std::move(a));
}

template <class Make>
auto known(const char* name, Make make) {
  return [=](const DataOptions& options, const NoOptions&) {
    refuse_resize(options, std::string("builtin:") + name);
    const auto key = Draw{static_cast<uint64_t>(options.seed)}.key(name);
    const auto data = make_parts(name, options, 10000, 2000,
                                 [&](const MadePart& part) { return make(part, key); });
    return with_binarization(data, options, "none");
  };
}

const bool added_codes =
    builtins().add<NoOptions>("codes", "16 bits from 8 patterns with flips; the entropy is known",
                              known("codes", make_codes));
const bool added_gaussian = builtins().add<NoOptions>(
    "gaussian", "8 columns of a linear-Gaussian model of rank 2", known("gaussian", make_gaussian));
const bool added_oscillation =
    builtins().add<NoOptions>("oscillation", "24 steps of a noisy swing; the entropy is known",
                              known("oscillation", make_oscillation));

}  // namespace
}  // namespace elbo
