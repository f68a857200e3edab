#include <cstring>

#include "elbo/capi/array_view.h"
#include "elbo/capi/given_data.h"
#include "elbo/capi/guard.h"
#include "elbo/io/row_sink.h"

namespace elbo::capi {
namespace {

struct TaskResult {
  Json json;
  Tensor rows;  // undefined = went to a file
};

/// `out` empty and `keep`: what the task's file would hold stays in memory.
TaskResult run_task(elbo_run& run, const std::string& name, const elbo_data* data, Json options,
                    const std::string& out, bool keep, Calls& calls) {
  const auto& entry = tasks().find(name);
  if (data) use_rows_of(*data, entry.options, options);
  const auto task = entry.make(options);
  model_of(run);
  TaskInput input;
  input.run = run.run;
  input.model = run.model;
  input.progress = calls.progress();
  input.say = nullptr;
  if (data) input.data = data->source;
  check(data == nullptr || task->data() != "never", "[", name, "] takes no data");
  check(data != nullptr || task->data() != "must", "[", name, "] data: none given");
  const RowSink sink;
  input.out = keep && out.empty() ? sink.path() : out;
  const WithoutDenormals fast;
  TaskResult result{task->run(input), Tensor()};
  if (keep && out.empty()) {
    result.rows = sink.rows();
    check(result.rows.defined(), "[", name, "] makes no rows of numbers; name a file");
    if (result.json.is_object()) result.json.erase("file");
  }
  return result;
}

}  // namespace
}  // namespace elbo::capi

using namespace elbo::capi;

elbo_status elbo_run_task(elbo_run* run, const char* name, const elbo_data* data,
                          const char* options, const char* out, const elbo_callbacks* callbacks,
                          elbo_rows** rows, char** json) {
  return computing([&] {
    check_given(run, "elbo_run_task", "run");
    check_given(name, "elbo_run_task", "name");
    Calls calls(callbacks);
    auto result = run_task(*run, name, data, options_from(options, name), out ? out : "",
                           rows != nullptr, calls);
    if (json) *json = copied(result.json.dump());
    if (rows) *rows = result.rows.defined() ? new elbo_rows{result.rows} : nullptr;
  });
}

elbo_status elbo_sample(elbo_run* run, int64_t count, const char* options, float* rows,
                        const elbo_callbacks* callbacks) {
  return computing([&] {
    check_given(run, "elbo_sample", "run");
    check_given(rows, "elbo_sample", "rows");
    auto given = options_from(options, "elbo_sample");
    given["n"] = count;
    Calls calls(callbacks);
    const auto made = run_task(*run, "sample", nullptr, given, "", true, calls).rows;
    std::memcpy(rows, made.data_ptr<float>(), made.nbytes());
  });
}

elbo_status elbo_rows_view(const elbo_rows* rows, elbo_array* view) {
  return guarded([&] {
    check_given(rows, "elbo_rows_view", "rows");
    check_given(view, "elbo_rows_view", "view");
    *view = view_of(rows->rows);
  });
}

void elbo_rows_free(elbo_rows* rows) { delete rows; }
