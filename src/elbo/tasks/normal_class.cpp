#include "elbo/tasks/normal_class.h"

#include <algorithm>
#include <cctype>

#include "elbo/core/text.h"
#include "elbo/data/label_rows.h"

namespace elbo {
namespace {

constexpr double kNearlyAll = 0.9;  // of the labelled training rows

/// Letters and digits, in lower case.
std::string plain_word(const std::string& text) {
  std::string word;
  for (const unsigned char c : text) {
    if (std::isalnum(c) || c > 127) word += static_cast<char>(std::tolower(c));
  }
  return word;
}

bool is_usual_name(const std::string& name) {
  static const std::vector<std::string> words = {
      "normal",     "benign",       "good",     "ok",       "okay",   "healthy",    "genuine",
      "legit",      "regular",      "usual",    "inlier",   "no",     "false",      "0",
      "none",       "nominal",      "pass",     "passed",   "clean",  "legitimate", "nofault",
      "faultfree",  "background",   "ham",      "negative", "intact", "valid",      "noanomaly",
      "noattack",   "nofraud",      "notfraud", "nonfraud", "safe",   "undamaged",  "nodefect",
      "defectfree", "nonanomalous", "typical"};
  if (name.starts_with('-')) return false;
  return std::find(words.begin(), words.end(), plain_word(name)) != words.end();
}

/// The classes that a list names; one whose name holds commas stands alone.
std::vector<bool> named_classes(const std::vector<std::string>& classes, const std::string& list,
                                const std::string& option) {
  std::vector<bool> named(classes.size(), false);
  const bool alone = std::find(classes.begin(), classes.end(), list) != classes.end();
  for (const auto& word : alone ? std::vector<std::string>{list} : split_text(list, ',')) {
    const auto at = std::find(classes.begin(), classes.end(), word);
    check(at != classes.end(), "[score] ", option, ": unknown class \"", word,
          "\"; known: ", classes.empty() ? "none, the data have no labels" : join(classes));
    named[static_cast<size_t>(at - classes.begin())] = true;
  }
  return named;
}

struct MostOfTraining {
  std::string name;
  int64_t rows = 0, labelled = 0;
};

/// The most frequent class among the training rows.
MostOfTraining most_of_training(const Run& run) {
  MostOfTraining most;
  Data data;
  try {
    data = run.training_data();
  } catch (const Error&) {  // the file is gone: the names have to do
    return most;
  }
  const auto names = class_names(data->schemas().y);
  const auto y = data->schemas().y.present() ? labels_of(*data) : Tensor();
  if (names.empty() || !y.defined()) return most;
  const auto known = y.masked_select((y >= 0).logical_and(y < static_cast<int64_t>(names.size())));
  most.labelled = known.numel();
  if (most.labelled == 0) return most;
  const auto counts = torch::bincount(known);
  const auto at = counts.argmax().item<int64_t>();
  most.name = names[static_cast<size_t>(at)];
  most.rows = counts[at].item<int64_t>();
  return most;
}

NormalClass all_but(const std::vector<std::string>& classes, const std::string& normal,
                    const std::string& why) {
  NormalClass found{std::vector<bool>(classes.size()), normal, why};
  for (size_t k = 0; k < classes.size(); ++k) found.anomalous[k] = classes[k] != normal;
  return found;
}

NormalClass by_training(const Run& run, const std::vector<std::string>& classes) {
  std::vector<std::string> usual;
  for (const auto& name : classes) {
    if (is_usual_name(name)) usual.push_back(name);
  }
  const auto most = most_of_training(run);
  const bool nearly = most.labelled > 0 && static_cast<double>(most.rows) >=
                                               kNearlyAll * static_cast<double>(most.labelled);
  const bool known = std::find(classes.begin(), classes.end(), most.name) != classes.end();
  const auto share = std::to_string(most.rows) + " of " + std::to_string(most.labelled) +
                     " labelled training rows";
  if (nearly && known &&
      (usual.empty() || std::find(usual.begin(), usual.end(), most.name) != usual.end())) {
    return all_but(classes, most.name, share);
  }
  if (nearly && !usual.empty()) {
    return {{},
            "",
            "\"" + most.name + "\" has " + share + ", \"" + usual[0] +
                "\" sounds normal; say which by --normal-class"};
  }
  if (usual.size() == 1) return all_but(classes, usual[0], "its name");
  return {{},
          "",
          "none of the classes (" + join(classes) +
              ") has nearly all training rows or a usual name; say which by --normal-class"};
}

}  // namespace

NormalClass find_normal_class(const Run& run, const Schema& y, const std::string& normal,
                              const std::string& anomalies) {
  const auto classes = class_names(y);
  check(normal.empty() || anomalies.empty(),
        "[score] --normal-class and --anomalies say the same, give one of them");
  if (!anomalies.empty())
    return {named_classes(classes, anomalies, "anomalies"), "", "--anomalies"};
  if (!normal.empty()) {
    NormalClass found{named_classes(classes, normal, "normal_class"), normal, "--normal-class"};
    found.anomalous.flip();
    return found;
  }
  if (classes.empty()) return {};
  return by_training(run, classes);
}

}  // namespace elbo
