#include <iostream>

#include "elbo/cli/list_kinds.h"
#include "elbo/cli/usage.h"
#include "elbo/core/text.h"
#include "elbo/data/builtin.h"
#include "elbo/eval/metric.h"
#include "elbo/model/spec.h"

namespace elbo {
namespace {

/// An option as completions need it.
struct Flag {
  std::vector<std::string> names;   // -m, --model
  std::vector<std::string> values;  // words that it takes; empty = anything
  std::string about;
  bool takes = false;  // a value
};

std::vector<std::string> names_of(const auto& entries) {
  std::vector<std::string> names;
  for (const auto& entry : entries) names.push_back(entry.name);
  return names;
}

/// The words of "(one of a, b)" at the end of a help.
std::vector<std::string> allowed_words(const std::string& help) {
  const std::string begin = "(one of ";
  const auto at = help.rfind(begin);
  const auto end = at == std::string::npos ? at : help.find(')', at);
  if (end == std::string::npos) return {};
  std::vector<std::string> words;
  for (auto word : split_text(help.substr(at + begin.size(), end - at - begin.size()), ',')) {
    words.push_back(word.substr(word.find_first_not_of(' ')));
  }
  return words;
}

std::vector<Flag> flags_of(const Command& command) {
  const auto line = command_line(command);
  std::vector<Flag> flags;
  for (const auto* option : line.app->get_options()) {
    Flag flag{{}, allowed_words(option->get_description()), option->get_description(), false};
    for (const auto& name : option->get_snames()) flag.names.push_back("-" + name);
    for (const auto& name : option->get_lnames()) flag.names.push_back("--" + name);
    flag.takes = option->get_items_expected_max() > 0;
    if (flag.names.empty()) continue;
    if (flag.names.back() == "--model") flag.values = names_of(zoo());
    if (flag.names.back() == "--metrics") {
      flag.values = names_of(metrics().entries());
      flag.values.insert(flag.values.begin(), "all");
    }
    flags.push_back(std::move(flag));
  }
  return flags;
}

/// What may stand behind a command that is not a flag or a file.
std::vector<std::string> words_behind(const std::string& command) {
  if (command == "list") return list_kinds();
  if (command == "completion") return {"bash", "fish", "zsh"};
  if (command == "help") return names_of(commands());
  std::vector<std::string> builtin;
  if (command == "train" || command == "sweep") {
    for (const auto& entry : builtins().entries()) builtin.push_back("builtin:" + entry.name);
  }
  return builtin;
}

std::string bash_completion() {
  std::string cases, values;
  for (const auto& command : commands()) {
    std::vector<std::string> all;
    for (const auto& flag : flags_of(command)) {
      all.insert(all.end(), flag.names.begin(), flag.names.end());
      if (flag.values.empty()) continue;
      for (const auto& name : flag.names) {
        values +=
            "    " + command.name + "," + name + ") words=\"" + join(flag.values, " ") + "\" ;;\n";
      }
    }
    cases += "    " + command.name + ") words=\"" + join(all, " ") + "\"; others=\"" +
             join(words_behind(command.name), " ") + "\" ;;\n";
  }
  return "_elbo() {\n"
         "  local current=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\" "
         "words=\"\" others=\"\"\n"
         "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
         "    COMPREPLY=($(compgen -W \"" +
         join(names_of(commands()), " ") +
         " help --help --version\" -- \"$current\"))\n"
         "    return\n"
         "  fi\n"
         "  case \"${COMP_WORDS[1]},$previous\" in\n" +
         values +
         "  esac\n"
         "  if [ -n \"$words\" ]; then\n"
         "    COMPREPLY=($(compgen -W \"$words\" -f -- \"$current\"))\n"
         "    return\n"
         "  fi\n"
         "  case \"${COMP_WORDS[1]}\" in\n" +
         cases +
         "  esac\n"
         "  case \"$current\" in\n"
         "    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$current\")) ;;\n"
         "    *) COMPREPLY=($(compgen -W \"$others\" -f -- \"$current\")) ;;\n"
         "  esac\n"
         "}\n"
         "complete -o filenames -F _elbo elbo\n";
}

/// zsh reads the completions of bash.
std::string zsh_completion() {
  return "#compdef elbo\nautoload -U +X compinit && compinit\n"
         "autoload -U +X bashcompinit && bashcompinit\n" +
         bash_completion();
}

std::string fish_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out + "'";
}

std::string fish_completion() {
  std::string text;
  for (const auto& command : commands()) {
    text += "complete -c elbo -n __fish_use_subcommand -f -a " + command.name + " -d " +
            fish_quoted(command.about) + "\n";
    const auto when = "complete -c elbo -n '__fish_seen_subcommand_from " + command.name + "'";
    for (const auto& flag : flags_of(command)) {
      text += when;
      for (const auto& name : flag.names) {
        text += name[1] == '-' ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      if (!flag.values.empty()) text += " -x -a " + fish_quoted(join(flag.values, " "));
      if (flag.takes && flag.values.empty()) text += " -r";
      text += " -d " + fish_quoted(flag.about) + "\n";
    }
    const auto words = words_behind(command.name);
    if (!words.empty()) text += when + " -a " + fish_quoted(join(words, " ")) + "\n";
  }
  return text;
}

std::string completion_for(const std::string& shell) {
  if (shell == "bash") return bash_completion();
  if (shell == "fish") return fish_completion();
  if (shell == "zsh") return zsh_completion();
  fail("[completion] unknown \"", shell, "\"", known_words(shell, {"bash", "fish", "zsh"}));
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
                 {"elbo completion bash > ~/.local/share/bash-completion/completions/elbo",
                  "elbo completion fish > ~/.config/fish/completions/elbo.fish",
                  "elbo completion zsh > ~/.zfunc/_elbo"},
                 [](CLI::App& app) {
                   auto shell = std::make_shared<std::string>();
                   app.add_option("SHELL", *shell, "bash, fish or zsh")->required();
                   return [shell] {
                     std::cout << completion_for(*shell);
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
