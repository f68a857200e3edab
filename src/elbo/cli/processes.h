#pragma once

#include <cstdint>
#include <memory>

#include "elbo/group/group.h"

namespace elbo {

/// The group that a launcher started this process for (torchrun, mpirun, srun, or
/// start_processes()); null where it was started alone.
std::shared_ptr<Group> join_launched_group();
/// Whether a launcher started this process.
bool is_launched();
/// Which of its machine's processes it is; 0 where it was started alone.
int64_t local_rank();

/// Runs this program's command line again in so many processes of this machine, each on cores of
/// its own, and waits for them; they end with it. Returns the exit status. What goes wrong in one
/// of them ends the others.
int start_processes(int64_t count);

}  // namespace elbo
