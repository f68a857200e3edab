#include "elbo/capi/guard.h"
#include "elbo/capi/handles.h"
#include "elbo/eval/diagnose.h"
#include "elbo/io/file.h"

namespace elbo::capi {

Model& model_of(elbo_run& run) {
  if (!run.model) {
    auto model = run.run->load();
    run.layout = code_layout(*model, run.run->schemas());
    run.model = std::move(model);
  }
  return *run.model;
}

namespace {

Json all_schemas(const Schemas& schemas) {
  Json all{{"x", to_json(schemas.x)}};
  if (schemas.c.present()) all["c"] = to_json(schemas.c);
  if (schemas.y.present()) all["y"] = to_json(schemas.y);
  if (schemas.target.present()) all["target"] = to_json(schemas.target);
  return all;
}

}  // namespace
}  // namespace elbo::capi

using namespace elbo::capi;

elbo_status elbo_run_open(const char* folder, elbo_run** out) {
  return computing([&] {
    check_given(folder, "elbo_run_open", "folder");
    check_given(out, "elbo_run_open", "out");
    auto run = std::make_unique<elbo_run>();
    run->run = std::make_shared<const elbo::Run>(elbo::Run::open(folder));
    model_of(*run);
    *out = run.release();
  });
}

void elbo_run_free(elbo_run* run) { delete run; }

const char* elbo_run_path(const elbo_run* run) { return run ? run->run->path().c_str() : nullptr; }

elbo_status elbo_run_facts(const elbo_run* run, char** json) {
  return guarded([&] {
    check_given(run, "elbo_run_facts", "run");
    check_given(json, "elbo_run_facts", "json");
    *json = copied(run->run->facts().dump());
  });
}

elbo_status elbo_run_schema(const elbo_run* run, char** json) {
  return guarded([&] {
    check_given(run, "elbo_run_schema", "run");
    check_given(json, "elbo_run_schema", "json");
    *json = copied(all_schemas(run->run->schemas()).dump());
  });
}

elbo_status elbo_run_history(const elbo_run* run, char** json) {
  return guarded([&] {
    check_given(run, "elbo_run_history", "run");
    check_given(json, "elbo_run_history", "json");
    *json = copied(elbo::Json(elbo::read_log(*run->run)).dump());
  });
}

elbo_status elbo_run_code_size(elbo_run* run, int64_t* size) {
  return computing([&] {
    check_given(run, "elbo_run_code_size", "run");
    check_given(size, "elbo_run_code_size", "size");
    model_of(*run);
    *size = run->layout.size;
  });
}

elbo_status elbo_run_row_shape(const elbo_run* run, int64_t* shape, int32_t* dimensions) {
  return guarded([&] {
    check_given(run, "elbo_run_row_shape", "run");
    check_given(shape, "elbo_run_row_shape", "shape");
    check_given(dimensions, "elbo_run_row_shape", "dimensions");
    const auto& own = run->run->schemas().x.shape;
    elbo::check(own.size() <= ELBO_MOST_DIMENSIONS, "[run] rows of ", own.size(), " axes");
    std::copy(own.begin(), own.end(), shape);
    *dimensions = static_cast<int32_t>(own.size());
  });
}

elbo_status elbo_run_parameters(elbo_run* run, int64_t* count) {
  return computing([&] {
    check_given(run, "elbo_run_parameters", "run");
    check_given(count, "elbo_run_parameters", "count");
    *count = 0;
    for (const auto& p : model_of(*run).parameters()) *count += p.numel();
  });
}
