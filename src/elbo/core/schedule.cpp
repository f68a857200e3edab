#include "elbo/core/schedule.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "elbo/core/error.h"

namespace elbo {
namespace {

constexpr const char* kForms =
    "a number, linear(from, to, steps), cosine(from, to, steps), cycle(from, to, period, ramp), "
    "sigmoid(from, to, middle, width) or step(from, factor, every); steps may be epochs, e.g. 10e";
const std::map<std::string, size_t> kArguments = {
    {"linear", 3}, {"cosine", 3}, {"cycle", 4}, {"sigmoid", 4}, {"step", 3}};

}  // namespace

Schedule::Schedule(const std::string& text) {
  const auto open = text.find('(');
  const auto bad = [&] { fail("[schedule] \"", text, "\" is not ", kForms); };
  if (open == std::string::npos || text.back() != ')') bad();
  kind_ = text.substr(0, open);
  const auto arguments = kArguments.find(kind_);
  if (arguments == kArguments.end()) bad();
  std::vector<double> numbers;
  std::stringstream list(text.substr(open + 1, text.size() - open - 2));
  for (std::string word; std::getline(list, word, ',');) {
    size_t used = 0;
    double value = 0;
    try {
      value = std::stod(word, &used);
    } catch (const std::exception&) {
      bad();
    }
    const auto rest = word.find_first_not_of(' ', used);
    // The last argument of a cycle is a share of the period, every other one after the two
    // levels a count of steps.
    const bool time = numbers.size() >= 2 && !(kind_ == "cycle" && numbers.size() == 3);
    if (rest != std::string::npos) {
      if (word.substr(rest) != "e" || !time) bad();
      value = -value;
    } else if (time && value < 0) {
      bad();
    }
    if (!std::isfinite(value)) bad();
    numbers.push_back(value);
  }
  if (numbers.size() != arguments->second) bad();
  from_ = numbers[0];
  to_ = numbers[1];
  times_.assign(numbers.begin() + 2, numbers.end());
  if (kind_ == "cycle" && (times_[1] <= 0 || times_[1] > 1)) bad();
  if ((kind_ == "cycle" || kind_ == "step" || kind_ == "sigmoid") && times_[0] == 0) bad();
}

double Schedule::at(int64_t step) const {
  if (kind_.empty()) return from_;
  const double t = static_cast<double>(step), span = times_[0];
  const auto ramp = [&](double x) { return from_ + (to_ - from_) * std::clamp(x, 0.0, 1.0); };
  if (kind_ == "linear") return span > 0 ? ramp(t / span) : to_;
  if (kind_ == "cosine") {
    const double x = span > 0 ? std::min(t / span, 1.0) : 1.0;
    return to_ + (from_ - to_) * 0.5 * (1 + std::cos(M_PI * x));
  }
  if (kind_ == "cycle") return ramp(std::fmod(t, span) / (span * times_[1]));
  if (kind_ == "step") return from_ * std::pow(to_, std::floor(t / span));
  const double width = std::max(std::abs(times_[1]), 1e-9);
  return from_ + (to_ - from_) / (1 + std::exp(-(t - span) / width));
}

Schedule Schedule::in_steps(double steps_per_epoch) const {
  Schedule resolved = *this;
  for (auto& time : resolved.times_) {
    if (time < 0) time = std::round(-time * steps_per_epoch);
  }
  return resolved;
}

double Schedule::lowest() const {
  if (kind_.empty()) return from_;
  return kind_ == "step" ? (to_ < 1 ? 0 : from_) : std::min(from_, to_);
}

double Schedule::highest() const {
  if (kind_.empty() || kind_ == "step") return from_;
  return std::max(from_, to_);
}

std::string Schedule::text() const {
  std::ostringstream out;
  out.precision(12);  // a million steps keep their last digit
  if (kind_.empty()) {
    out << from_;
    return out.str();
  }
  out << kind_ << "(" << from_ << ", " << to_;
  for (double time : times_) {
    if (time < 0) {
      out << ", " << -time << "e";
    } else {
      out << ", " << time;
    }
  }
  out << ")";
  return out.str();
}

void to_json(nlohmann::json& j, const Schedule& schedule) {
  if (schedule.constant()) {
    j = schedule.at(0);
  } else {
    j = schedule.text();
  }
}

void from_json(const nlohmann::json& j, Schedule& schedule) {
  schedule = j.is_string() ? Schedule(j.get<std::string>()) : Schedule(j.get<double>());
}

}  // namespace elbo
