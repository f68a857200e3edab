#include "elbo/cli/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <iomanip>
#include <iostream>

#include "elbo/core/text.h"

namespace elbo {
namespace {

constexpr auto kBetweenDrawings = std::chrono::milliseconds(100);

}  // namespace

size_t progress_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

Talk talk_for(bool quiet) {
  if (quiet) return Talk::nothing;
  return isatty(STDERR_FILENO) ? Talk::bar : Talk::lines;
}

std::string clock_text(double seconds) {
  const auto s = static_cast<int64_t>(std::max(0.0, seconds) + 0.5);
  std::ostringstream out;
  out << std::setfill('0');
  if (s >= 3600) {
    out << s / 3600 << ":" << std::setw(2) << s / 60 % 60;
  } else {
    out << s / 60;
  }
  out << ":" << std::setw(2) << s % 60;
  return out.str();
}

std::string grouped(int64_t number) {
  auto text = std::to_string(number);
  for (auto at = static_cast<int64_t>(text.size()) - 3; at > (number < 0 ? 1 : 0); at -= 3) {
    text.insert(static_cast<size_t>(at), 1, ',');
  }
  return text;
}

std::string terms_text(const std::vector<std::pair<std::string, double>>& terms) {
  std::ostringstream out;
  out << std::setprecision(5);
  const char* between = "";
  for (const auto& [name, value] : terms) {
    out << between << name << " " << value;
    between = "  ";
  }
  return out.str();
}

ProgressTalk::ProgressTalk(Talk talk) : talk_(talk), start_(Clock::now()) {}

double ProgressTalk::seconds() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

bool ProgressTalk::due() {
  if (talk_ != Talk::bar || (drawn_ && Clock::now() - last_ < kBetweenDrawings)) return false;
  last_ = Clock::now();
  return true;
}

void ProgressTalk::draw(double share, const std::string& before, const std::string& after) {
  constexpr size_t kBar = 20;
  const auto filled = static_cast<size_t>(std::clamp(share, 0.0, 1.0) * kBar);
  std::string line =
      before + "[" + std::string(filled, '=') + std::string(kBar - filled, ' ') + "] " + after;
  line.resize(std::min(line.size(), progress_columns() - 1));
  std::cerr << "\r" << printable(line) << "\033[K" << std::flush;
  drawn_ = true;
}

void ProgressTalk::training(const Progress& p) {
  if (first_step_ < 0) first_step_ = p.step - 1;
  if (!due()) return;
  const double passed = std::max(seconds(), 1e-9);
  const double step_seconds =
      passed / static_cast<double>(std::max<int64_t>(1, p.step - first_step_));
  std::string after = grouped(static_cast<int64_t>(static_cast<double>(p.rows) / passed)) +
                      " rows/s, " +
                      clock_text(step_seconds * static_cast<double>(p.steps - p.step)) + " left";
  if (p.train) after += "  " + terms_text(p.train->values());
  draw(static_cast<double>(p.step) / static_cast<double>(std::max<int64_t>(1, p.steps)),
       "epoch " + std::to_string(p.epoch) + "/" + std::to_string(p.epochs) + " ", after);
}

void ProgressTalk::share(double done) {
  if (!due()) return;
  const auto left = done > 0 ? clock_text(seconds() * (1 - done) / done) + " left" : "";
  draw(done, "", left);
}

void ProgressTalk::say(const std::string& line) {
  if (talk_ == Talk::nothing) return;
  clear();
  std::cerr << printable(line) << std::endl;
}

void ProgressTalk::clear() {
  if (drawn_) std::cerr << "\r\033[K" << std::flush;
  drawn_ = false;
}

}  // namespace elbo
