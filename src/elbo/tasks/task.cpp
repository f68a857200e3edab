#include "elbo/tasks/task.h"

namespace elbo {

Registry<Task>& tasks() {
  static Registry<Task> registry("task");
  return registry;
}

}  // namespace elbo
