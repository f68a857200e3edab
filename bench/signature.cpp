// One hash per model of the zoo and kind of made data that it takes: over the losses of a few
// steps, the weights after them and rows drawn then, with small networks, one thread and a fixed
// seed. Equal lines before and after a change say that no number has changed on this machine.
//   bench_signature [MODEL…]
#include <ATen/Parallel.h>

#include <cstdio>
#include <cstring>

#include "elbo/data/builtin.h"
#include "elbo/train/plan.h"

namespace {

using namespace elbo;

constexpr int64_t kRows = 64, kBatch = 16, kSteps = 4, kDrawn = 4;
constexpr int64_t kWidest = 24, kMostChannels = 8;  // of a shrunken network

/// FNV-1a, 64 bits.
class Hash {
 public:
  void add(const void* data, size_t size) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    for (size_t i = 0; i < size; ++i) value_ = (value_ ^ bytes[i]) * 0x100000001b3;
  }
  void add(const std::string& text) { add(text.data(), text.size()); }
  void add(double number) { add(&number, sizeof number); }
  void add(const Tensor& t) {
    const auto dense = t.detach().to(torch::kCPU).contiguous();
    add(to_string(Shape(dense.sizes().vec())));
    add(dense.data_ptr(), dense.nbytes());
  }
  std::string text() const {
    char hex[17];
    std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(value_));
    return hex;
  }

 private:
  uint64_t value_ = 0xcbf29ce484222325;
};

/// Whole numbers under the names that mean a size, cut.
void shrink(Json& j) {
  static const std::vector<std::string> sizes{"hidden", "widths", "channels",  "features",
                                              "codes",  "sizes",  "components"};
  if (!j.is_structured()) return;
  for (const auto& item : j.items()) {
    auto& value = item.value();
    if (std::find(sizes.begin(), sizes.end(), item.key()) != sizes.end()) {
      const auto most = item.key() == "channels" ? kMostChannels : kWidest;
      const auto cut = [most](Json& one) {
        if (one.is_number_integer()) one = std::min(one.get<int64_t>(), most);
      };
      cut(value);
      if (value.is_array()) std::for_each(value.begin(), value.end(), cut);
    }
    shrink(value);
  }
}

/// The hash of a training; raises an Error where the model does not take the data.
std::string signature(const std::string& name, const Data& data) {
  auto spec = model_spec(name);
  auto options = read_options<TrainOptions>(spec.value("train", Json::object()), "train");
  options.batch = kBatch;
  options.lr = 0.002;
  options.steps = kSteps;
  spec.erase("train");
  const Json small{{"type", "mlp"}, {"hidden", {kWidest}}};
  for (const char* part : {"encoder", "decoder"}) {
    if (spec[part] == "auto") spec[part] = small;
  }
  shrink(spec);
  const auto schemas = data->schemas();
  auto resolved = resolve(spec, schemas);
  resolve_epochs(resolved, static_cast<double>(kRows / kBatch));

  RandomScope scope(1);
  const auto model = build(resolved, schemas);
  const auto objective = build_objective(resolved, schemas, *model, kRows);
  Hash hash;
  Trainer::Hooks hooks;
  hooks.on_step = [&](const Progress& progress) {
    for (const auto& [term, value] : progress.train->values()) {
      hash.add(term);
      hash.add(value);
    }
    return true;
  };
  Trainer(model, objective, options).fit(data, nullptr, hooks);
  for (const torch::nn::Module* module : {static_cast<const torch::nn::Module*>(model.get()),
                                          static_cast<const torch::nn::Module*>(objective.get())}) {
    for (const auto& weight : module->named_parameters()) {
      hash.add(weight.key());
      hash.add(weight.value());
    }
    for (const auto& buffer : module->named_buffers()) {
      hash.add(buffer.key());
      hash.add(buffer.value());
    }
  }
  torch::NoGradGuard no_gradient;
  model->eval();
  const auto batch = data->get(torch::arange(kDrawn));
  const auto found = model->infer(batch, 0);
  hash.add(found.trace.code);
  hash.add(found.x->mean());
  hash.add(model->generate(kDrawn, batch.c).x->mean());
  return hash.text();
}

/// Made data, each of the first two also with its labels as the condition.
std::vector<std::pair<std::string, Data>> data_sets() {
  std::vector<std::pair<std::string, Data>> list;
  DataOptions options;
  options.rows = kRows;
  for (const auto& made : builtins().entries()) {
    list.emplace_back(made.name, open_data("builtin:" + made.name, options));
  }
  options.condition = "label";
  for (const char* name : {"codes", "digits"}) {
    list.emplace_back(std::string(name) + " given labels",
                      open_data(std::string("builtin:") + name, options));
  }
  return list;
}

}  // namespace

int main(int count, char** arguments) {
  at::set_num_threads(1);
  std::vector<std::string> names(arguments + 1, arguments + count);
  if (names.empty()) {
    for (const auto& entry : zoo()) names.push_back(entry.name);
  }
  const auto sets = data_sets();
  Hash all;
  bool complete = true;
  for (const auto& name : names) {
    std::string refusals;
    int64_t taken = 0;
    for (const auto& [data_name, data] : sets) {
      try {
        const auto hash = signature(name, data);
        all.add(name + data_name + hash);
        std::printf("%s  %s, %s\n", hash.c_str(), name.c_str(), data_name.c_str());
        std::fflush(stdout);
        ++taken;
      } catch (const Error& refusal) {
        refusals += "\n  " + data_name + ": " + refusal.what();
      }
    }
    if (taken > 0) continue;
    complete = false;
    std::fprintf(stderr, "%s takes none of the data:%s\n", name.c_str(), refusals.c_str());
  }
  std::printf("%s  all\n", all.text().c_str());
  return complete ? 0 : 1;
}
