#include "elbo/cli/progress.h"
#include "elbo/cli/result.h"
#include "elbo/cli/run_arguments.h"
#include "elbo/export/autoencoder_import.h"

namespace elbo {
namespace {

struct ImportArguments {
  std::string source, out, config;
  double scaling = 0, shift = 0;
  int64_t side = 0;
  bool force = false, quiet = false, json = false, no_sandbox = false;
  const CLI::App* app = nullptr;
};

int import_run(const ImportArguments& a) {
  Run::check_free(a.out, a.force);
  if (!a.no_sandbox) confine({}, {{a.out}});
  const auto given = [&](const char* flag) { return a.app->count(flag) > 0; };
  ImportChoice choice;
  if (given("--scaling-factor")) choice.scaling = a.scaling;
  if (given("--shift-factor")) choice.shift = a.shift;
  if (given("--side")) choice.side = a.side;
  check(!choice.scaling || *choice.scaling != 0, "[import] --scaling-factor: found 0");
  auto imported = import_autoencoder(read_autoencoder_file(a.source, a.config), choice);
  imported.facts["elbo"] = ELBO_VERSION;
  auto run = Run::create(a.out, imported.facts, imported.schemas, a.force);
  run.save_weights(weights_of(*imported.model), {{"step", 0}});
  ProgressTalk talk(talk_for(a.quiet || a.json));
  for (const auto& note : imported.notes) talk.say("note: " + note);
  int64_t parameters = 0;
  for (const auto& p : imported.model->named_parameters()) {
    if (!published_name(p.key()).empty()) parameters += p.value().numel();
  }
  const auto& latents = imported.facts["latents"];
  const auto& published = imported.facts["published"];
  Json result{{"run", run.path().string()},
              {"model", imported.facts["model"]},
              {"parameters", parameters},
              {"latent", imported.facts["spec"]["latent"]["shape"][0]},
              {"scaling_factor", latents["scale"]},
              {"shift_factor", latents["shift"]},
              {"type", published["types"][""]},
              {"names", published["naming"]}};
  if (!imported.notes.empty()) result["notes"] = imported.notes;
  if (!a.json) result.erase("notes");
  print_result(result, a.json);
  return 0;
}

const bool import_added = add_command(
    {"import",
     "A run from published weights of an image autoencoder",
     {"elbo import sd-vae-ft-mse/ --out runs/vae",
      "elbo import vae.safetensors --out runs/vae --scaling-factor 0.18215"},
     [](CLI::App& app) -> Command::Body {
       auto a = std::make_shared<ImportArguments>();
       a->app = &app;
       app.add_option(
              "SOURCE", a->source,
              "a diffusers folder (config.json and .safetensors), or a .safetensors file of "
              "an autoencoder or a whole checkpoint of latent diffusion")
           ->required();
       app.add_option("-o,--out", a->out, "folder for the new run")->type_name("RUN")->required();
       app.add_option("--config", a->config,
                      "config.json of diffusers, for a file that has none beside it")
           ->type_name("FILE");
       app.add_option("--scaling-factor", a->scaling,
                      "factor of latents for a diffusion (default: the config's)")
           ->type_name("NUMBER");
       app.add_option("--shift-factor", a->shift,
                      "what is taken off latents before they are scaled (default: the config's)")
           ->type_name("NUMBER");
       app.add_option("--side", a->side,
                      "side in pixels of the pictures that commands other than encode and decode "
                      "read (default: the config's sample_size)")
           ->type_name("NUMBER")
           ->check(CLI::Range(1, 16384));
       app.add_flag("--force", a->force, "replace an existing run");
       add_quiet_flag(app, a->quiet);
       app.add_flag("--json", a->json, "print the result as one JSON object");
       add_sandbox_flag(app, a->no_sandbox);
       return [a] { return import_run(*a); };
     }});

}  // namespace
}  // namespace elbo
