#include <cmath>

#include "elbo/distributions/continuous.h"
#include "elbo/distributions/halves.h"
#include "elbo/heads/parameters.h"

namespace elbo {
namespace {

struct ScaleOptions {
  Json scale = "output";
  std::string mean = "none", output = "log_scale";
  double min_log_scale = -7, max_log_scale = 7, start_log_scale = 0;
  template <class F>
  void fields(F&& f) {
    f("scale", scale,
      "scale: output (from the network), learned (one number), feature (one per component) or a "
      "number");
    f("output", output, "number that the network gives beside the mean, where it gives the scale",
      one_of({"log_scale", "log_variance"}));
    f("mean", mean, "function applied to the network's mean", one_of({"none", "sigmoid", "tanh"}));
    f("min_log_scale", min_log_scale, "lower bound of the log scale", between(-20, 20));
    f("max_log_scale", max_log_scale, "upper bound of the log scale", between(-20, 20));
    f("start_log_scale", start_log_scale, "log scale before training, where it is learned",
      between(-20, 20));
  }
};

struct StudentOptions : ScaleOptions {
  double df = 5;
  template <class F>
  void fields(F&& f) {
    ScaleOptions::fields(f);
    f("df", df, "degrees of freedom: the lower, the heavier the tails", between(0.5, 1000));
  }
};

/// A centre and a scale per component: normal, Laplace, logistic, Student's t.
class LocationScale : public FreeHead {
 public:
  using Make = std::function<Dist(const Tensor& loc, const Tensor& log_scale)>;
  /// Of a network's whole output, the log scale to be bounded.
  using MakeJoint = std::function<Dist(const Tensor& h, double low, double high)>;
  LocationScale(const char* name, const Context& at, const ScaleOptions& options, Make make,
                MakeJoint make_joint = nullptr, bool standard = false)
      : name_(name),
        shape_(at.variable.shape),
        options_(options),
        make_(std::move(make)),
        make_joint_(options.mean == "none" ? std::move(make_joint) : nullptr),
        standardization_(at.variable),
        standard_(standard) {
    check_kind(name, at.variable, numeric_kinds());
    check(options.min_log_scale < options.max_log_scale, "[head ", name, "] min_log_scale: found ",
          options.min_log_scale, ", must be below max_log_scale, ", options.max_log_scale);
    read_scale(options.scale);
    if (mode_ == "learned")
      log_scale_ = register_parameter("log_scale", torch::full({1}, options.start_log_scale));
    if (mode_ == "feature")
      log_scale_ = register_parameter("log_scale", torch::full(shape_, options.start_log_scale));
  }

  Dist operator()(const Tensor& h) override {
    if (!h.defined()) return free();
    if (mode_ == "output") {
      const double low = options_.min_log_scale, high = options_.max_log_scale;
      if (options_.output == "log_variance") {
        const auto [loc, log_variance] = halves(h, 2 * low, 2 * high);
        return make(loc, 0.5 * log_variance);
      }
      if (make_joint_) return standardization_(make_joint_(h, low, high), h);
      const auto [loc, log_scale] = halves(h, low, high);
      return make(loc, log_scale);
    }
    return make(h, own_log_scale(h));
  }

  Shape input() const override { return times(mode_ == "output" ? 2 : 1, shape_); }

 private:
  void read_scale(const Json& scale) {
    if (scale.is_number()) {
      mode_ = "fixed";
      fixed_ = scale.get<double>();
      check(std::isfinite(fixed_) && fixed_ > 0, "[head ", name_, "] scale: found ", fixed_,
            ", must be positive");
      return;
    }
    mode_ = scale.is_string() ? scale.get<std::string>() : "";
    check(mode_ == "output" || mode_ == "learned" || mode_ == "feature", "[head ", name_,
          "] scale: found ", scale.dump(), ", allowed are output, learned, feature or a number");
  }

  Tensor own_log_scale(const Tensor& like) const {
    if (mode_ == "fixed") return torch::full({1}, std::log(fixed_), like.options());
    auto bounded = log_scale_.clamp(options_.min_log_scale, options_.max_log_scale);
    // Rows of one memory: the fused density reads them like any others.
    return mode_ == "feature" ? bounded.expand(like.sizes()) : bounded;
  }

  Dist make(const Tensor& output, const Tensor& log_scale) const {
    auto loc = output;
    if (options_.mean == "sigmoid") loc = output.sigmoid();
    if (options_.mean == "tanh") loc = output.tanh();
    return standardization_(make_(loc, log_scale), output);
  }

  // Centred on zero, with the head's own scale or 1.
  Dist free() const {
    if (mode_ == "output" && standard_) {
      return std::make_shared<StandardNormal>(shape_, options());
    }
    const auto zeros = torch::zeros(shape_, options());
    return make_(zeros, mode_ == "output" ? zeros : own_log_scale(zeros));
  }

  const char* name_;
  Shape shape_;
  ScaleOptions options_;
  Make make_;
  MakeJoint make_joint_;
  Standardization standardization_;
  bool standard_;  // a free prior is the standard normal, whose density needs no parameters
  std::string mode_;
  double fixed_ = 1;
  Tensor log_scale_;
};

const bool added_normal = heads().add<ScaleOptions>(
    "normal", "Normal; as a free prior: standard normal", [](const Context& at, ScaleOptions o) {
      return std::make_shared<LocationScale>(
          "normal", at, o,
          [](const Tensor& l, const Tensor& s) { return std::make_shared<Normal>(l, Log(s)); },
          [](const Tensor& h, double low, double high) {
            return std::make_shared<Normal>(h, low, high);
          },
          /*standard=*/true);
    });

const bool added_laplace = heads().add<ScaleOptions>(
    "laplace", "Laplace: absolute error, robust reconstruction",
    [](const Context& at, ScaleOptions o) {
      return std::make_shared<LocationScale>(
          "laplace", at, o,
          [](const Tensor& l, const Tensor& s) { return std::make_shared<Laplace>(l, s.exp()); });
    });

const bool added_logistic = heads().add<ScaleOptions>(
    "logistic", "Logistic: tails between normal and Laplace",
    [](const Context& at, ScaleOptions o) {
      return std::make_shared<LocationScale>(
          "logistic", at, o,
          [](const Tensor& l, const Tensor& s) { return std::make_shared<Logistic>(l, s.exp()); });
    });

const bool added_student = heads().add<StudentOptions>(
    "student", "Student's t: outliers cost little", [](const Context& at, StudentOptions o) {
      return std::make_shared<LocationScale>(
          "student", at, o, [df = o.df](const Tensor& l, const Tensor& s) {
            return std::make_shared<StudentT>(torch::full({1}, df, l.options()), l, s.exp());
          });
    });

}  // namespace
}  // namespace elbo
