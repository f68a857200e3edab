#include <iostream>

#include "elbo/cli/usage.h"
#include "elbo/model/spec.h"

namespace elbo {
namespace {

std::vector<std::string> flags_of(const Command& command) {
  const auto line = command_line(command);
  std::vector<std::string> flags;
  for (const auto* option : line.app->get_options()) {
    for (const auto& name : option->get_snames()) flags.push_back("-" + name);
    for (const auto& name : option->get_lnames()) flags.push_back("--" + name);
  }
  return flags;
}

/// A bash completion: commands, the flags of each, models behind --model, else files.
std::string bash_completion() {
  std::vector<std::string> names, models;
  std::string cases;
  for (const auto& command : commands()) {
    names.push_back(command.name);
    cases += "    " + command.name + ") words=\"" + join(flags_of(command), " ") + "\" ;;\n";
  }
  for (const auto& entry : zoo()) models.push_back(entry.name);
  return "_elbo() {\n"
         "  local current=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\" "
         "words=\"\"\n"
         "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
         "    COMPREPLY=($(compgen -W \"" +
         join(names, " ") +
         " --help --version\" -- \"$current\"))\n"
         "    return\n"
         "  fi\n"
         "  case \"$previous\" in\n"
         "    -m|--model) COMPREPLY=($(compgen -W \"" +
         join(models, " ") +
         "\" -f -- \"$current\")); return ;;\n"
         "  esac\n"
         "  case \"${COMP_WORDS[1]}\" in\n" +
         cases +
         "  esac\n"
         "  case \"$current\" in\n"
         "    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$current\")) ;;\n"
         "    *) COMPREPLY=($(compgen -f -- \"$current\")) ;;\n"
         "  esac\n"
         "}\n"
         "complete -o filenames -F _elbo elbo\n";
}

/// Text as roff shows it unchanged.
std::string roff(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool line_start = i == 0 || text[i - 1] == '\n';
    if (line_start && (text[i] == '.' || text[i] == '\'')) out += "\\&";
    if (text[i] == '\\') {
      out += "\\e";
    } else {
      out += text[i] == '-' ? "\\-" : std::string(1, text[i]);
    }
  }
  return out;
}

std::string man_page() {
  std::string text = ".TH ELBO 1 \"\" \"elbo " ELBO_VERSION
                     "\" \"User commands\"\n"
                     ".SH NAME\nelbo \\- variational autoencoders, trained and put to use\n"
                     ".SH SYNOPSIS\n.B elbo\n.I COMMAND\n[RUN] [DATA] [options]\n"
                     ".SH DESCRIPTION\n.nf\n" +
                     roff(program_help()) + ".fi\n.SH COMMANDS\n";
  for (const auto& command : commands()) {
    text += ".SS " + roff(command.name) + "\n.nf\n" + roff(command_help(command)) + ".fi\n";
  }
  return text;
}

const bool completion_added =
    add_command({"completion",
                 "Completion of commands and options for a shell",
                 {"elbo completion bash > ~/.local/share/bash-completion/completions/elbo"},
                 [](CLI::App& app) {
                   auto shell = std::make_shared<std::string>();
                   app.add_option("SHELL", *shell, "bash")->required();
                   return [shell] {
                     check(*shell == "bash", "[completion] unknown \"", *shell, "\"; known: bash");
                     std::cout << bash_completion();
                     return 0;
                   };
                 }});

const bool man_added = add_command(
    {"man", "The manual page", {"elbo man | man -l -", "elbo man > elbo.1"}, [](CLI::App&) {
       return [] {
         std::cout << man_page();
         return 0;
       };
     }});

}  // namespace
}  // namespace elbo
