#pragma once

#include <memory>
#include <string>

#include "elbo/core/api.h"
#include "elbo/model/objective.h"

namespace ELBO_API elbo {

/// The spec that every model patches (RFC 7396).
Json default_spec();
/// A zoo entry: its documentation and its full spec. Throws, naming the known ones.
struct ZooEntry {
  std::string name, about, paper, group;
  Json patch;
};
const std::vector<ZooEntry>& zoo();
/// Adds a model at run time (a file given on the command line, a test).
ZooEntry parse_zoo_entry(const std::string& name, const std::string& text);
/// default_spec() patched by the named model: a zoo name, or a path to a JSON file.
Json model_spec(const std::string& name);
/// Sets a dotted option: "objective.beta=4". The value is JSON where it parses, else text.
void set_option(Json& spec, const std::string& assignment);

/// "auto" parts chosen from the data; unknown keys refused. What a run stores.
Json resolve(const Json& spec, const Schemas& data);
/// A model is data: build() and build_objective() are the only places where names become objects.
std::shared_ptr<Model> build(const Json& resolved, const Schemas& data);
std::shared_ptr<Objective> build_objective(const Json& resolved, const Schemas& data,
                                           const Model& model, int64_t rows);

/// The encoder network for this data: reads `observed(batch)`, standardises real columns, marks
/// missing cells; `declaration` as in the spec.
std::shared_ptr<Network> make_encoder(const Json& declaration, const Schemas& data, Shape out,
                                      int64_t condition);
/// Size of the condition vector that data.c brings; 0 = none.
int64_t condition_size(const Schemas& data);

}  // namespace elbo
