#include <c10/util/Exception.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <new>
#include <nlohmann/json.hpp>
#include <system_error>

#include "elbo/cli/table.h"
#include "elbo/cli/usage.h"
#include "elbo/core/error.h"
#include "elbo/core/options.h"
#include "elbo/core/text.h"
#include "elbo/host/cpu.h"
#include "elbo/io/mapped_files.h"

namespace {

constexpr int kUserError = 1, kDefect = 70;

bool wants_json = false;  // whether --json is among the arguments

/// Names and cells of files that a message quotes may hold line ends.
std::string in_one_line(const std::string& text) {
  std::string line;
  for (const char c : text) line += c == '\n' ? std::string("\\x0a") : std::string(1, c);
  return line;
}

int report(int status, const std::string& message) {
  constexpr int kRed = 31;
  std::cerr << elbo::coloured("elbo:", kRed, STDERR_FILENO) << " " << elbo::printable(message)
            << std::endl;
  if (wants_json) {
    const elbo::Json error{{"error", message}, {"status", status}};
    std::cout << error.dump(-1, ' ', false, elbo::Json::error_handler_t::replace) << std::endl;
  }
  return status;
}

/// libtorch's allocator has no exception of its own on the CPU.
bool is_out_of_memory(const std::string& text) {
  return text.find("can't allocate memory") != std::string::npos ||
         text.find("out of memory") != std::string::npos;
}

std::string out_of_memory() {
  const char* bound = std::getenv("ELBO_MEMORY");
  return std::string("[memory] out of memory") +
         (bound && *bound ? std::string(" (ELBO_MEMORY is ") + bound + ")" : "") +
         ": try a smaller --batch, fewer --rows or a smaller model (elbo train DATA --out RUN "
         "--dry-run estimates)";
}

int defect(const std::string& what) {
  return report(kDefect, "internal error (a bug in elbo, not a mistake of yours): " + what +
                             "\nPlease report it with the command line, this message and the "
                             "output of: elbo doctor");
}

/// Results that nobody could receive (a full disk, a closed pipe) are no success.
int check_stdout(int status) {
  std::cout.flush();
  if (std::cout.good()) return status;
  return report(kUserError, "[stdout] results could not be written");
}

}  // namespace

int main(int count, char** arguments) {
  for (int i = 1; i < count; ++i) wants_json |= std::strcmp(arguments[i], "--json") == 0;
  try {
    elbo::prepare_cpu(arguments);
    elbo::end_at_cut_files();
    return check_stdout(elbo::run_program({arguments + 1, arguments + count}));
  } catch (const elbo::Error& error) {
    return report(kUserError, in_one_line(error.what()));
  } catch (const elbo::UsageError& error) {
    return report(elbo::kUsageStatus, error.what());
  } catch (const nlohmann::json::exception& error) {
    // All JSON comes from files and options.
    return report(kUserError, std::string("[json] a value of a wrong type: ") + error.what());
  } catch (const std::bad_alloc&) {
    return report(kUserError, out_of_memory());
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::resource_unavailable_try_again) return defect(error.what());
    return report(kUserError,
                  "[threads] the system starts no further thread: is their number limited "
                  "(ulimit -u, or of the container)?");
  } catch (const c10::Error& error) {
    const std::string what = error.what_without_backtrace();
    return is_out_of_memory(what) ? report(kUserError, out_of_memory()) : defect(what);
  } catch (const std::exception& error) {
    return defect(error.what());
  }
}
