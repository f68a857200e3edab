#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "elbo/group/group.h"

namespace elbo {

/// What a launcher told this process about its group.
struct Launch {
  int64_t rank = 0, size = 1;
  int64_t local_rank = 0, local_size = 1;  // among those of this machine
  std::string address;                     // where the processes meet
  int64_t port = 0;
  bool hosted = false;  // the launcher itself answers at that port, else process 0 does
  std::string by;       // the variable that told, for messages
  std::string secret;   // ELBO_SECRET: who does not know it cannot take part in what is said there
};

using Environment = std::function<const char*(const char*)>;
/// From the variables of torchrun, mpirun or srun; none where no launcher started this process.
/// Raises an Error naming a variable that is missing or makes no sense.
std::optional<Launch> find_launch(const Environment& variable);

/// Whether this build can train in several processes; `why` receives what is missing.
bool can_join(std::string* why = nullptr);
/// Waits until all processes are there. Raises an Error naming how many came.
std::shared_ptr<Group> join_group(const Launch& launch);

/// A place on this machine's loopback where the processes of one launcher meet, those that know its
/// secret.
class Meeting {
 public:
  virtual ~Meeting() = default;
  virtual int64_t port() const = 0;
  virtual const std::string& secret() const = 0;
  /// Tells all processes that the training is over, and why.
  virtual void call_off(const std::string& why) = 0;
};
std::unique_ptr<Meeting> open_meeting();

}  // namespace elbo
