#include "elbo/data/reader.h"
#include "elbo/data/tokenizer.h"
#include "elbo/io/csv.h"
#include "elbo/io/file.h"

namespace elbo {
namespace {

struct TextOptions {
  std::string tokens = "characters", unit = "line", too_long = "cut";
  int64_t max_length = 256, min_count = 1;
  template <class F>
  void fields(F&& f) {
    f("tokens", tokens, "tokens that a text is split into: characters, words or bpe:SIZE");
    f("unit", unit, "unit of text that makes a row", one_of({"line", "sentence", "paragraph"}));
    f("max_length", max_length, "most tokens in a row (0 = no limit)", between(0, 100000));
    f("long", too_long, "treatment of longer rows", one_of({"cut", "drop", "refuse"}));
    f("min_count", min_count,
      "least count of a token in the training data; rarer ones are read as unknown", at_least(1));
  }
};

std::string_view without_spaces(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\r\n\f");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r\n\f") - from + 1);
}

/// Rows of a text, each with the number of the line where it begins.
class Units {
 public:
  Units(const std::string& text, const std::string& unit) : unit_(unit) {
    int64_t number = 0;
    for (size_t from = 0; from < text.size();) {
      const auto to = std::min(text.find('\n', from), text.size());
      take(without_spaces(std::string_view(text).substr(from, to - from)), ++number);
      from = to + 1;
    }
    finish();
  }
  std::vector<std::string> texts, names;

 private:
  void take(std::string_view line, int64_t number) {
    if (line.empty()) return finish();
    if (open_.empty()) line_ = number;
    open_ += (open_.empty() ? "" : " ") + std::string(line);
    if (unit_ == "line") finish();
    if (unit_ == "sentence") cut_sentences(number);
  }
  /// A sentence ends at . ! or ? (quotes and brackets may follow) before a space or a line's end.
  void cut_sentences(int64_t number) {
    for (size_t at = 0; at < open_.size(); ++at) {
      if (open_[at] != '.' && open_[at] != '!' && open_[at] != '?') continue;
      const auto end = open_.find_first_not_of(".!?\"')]", at);
      if (end != std::string::npos && open_[end] != ' ') continue;
      auto rest = end == std::string::npos ? "" : std::string(without_spaces(open_.substr(end)));
      open_.resize(std::min(end, open_.size()));
      finish();
      open_ = std::move(rest);
      line_ = number;
      at = static_cast<size_t>(-1);
    }
  }
  void finish() {
    if (open_.empty()) return;
    texts.push_back(std::move(open_));
    names.push_back("line " + std::to_string(line_));
    open_.clear();
  }

  const std::string unit_;
  std::string open_;
  int64_t line_ = 0;
};

void check_text(const std::string& text, const std::string& path) {
  int64_t number = 0;
  for (size_t from = 0; from < text.size();) {
    const auto to = std::min(text.find('\n', from), text.size());
    const auto line = std::string_view(text).substr(from, to - from);
    ++number;
    check(is_utf8(line), "[text] ", path, ": line ", number,
          " is not UTF-8 (iconv -f latin1 -t utf-8 turns most older files into it)");
    check(line.find('\0') == std::string_view::npos, "[text] ", path, ": line ", number,
          " holds a zero byte: this is not text");
    from = to + 1;
  }
}

class TextReader : public Reader {
 public:
  explicit TextReader(TextOptions options) : options_(std::move(options)) {}

  bool accepts(const std::string& path) const override {
    return path.ends_with(".txt") || path.ends_with(".txt.gz");
  }

  Data open(const std::string& path, const DataOptions& options) const override {
    const auto where = "text " + path;
    refuse_resize(options, where);
    refuse_test(options, where);
    check(options.binarize == "auto" || options.binarize == "none", "[", where,
          "] binarize: ", options.binarize, " asked for, only bytes can be binarized");
    auto text = read_maybe_gzip(path);
    if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
    check_text(text, path);
    Units units(text, options_.unit);
    check(!units.texts.empty(), "[text] ", path, ": holds no text");
    const auto rows =
        static_cast<size_t>(kept_rows(options, static_cast<int64_t>(units.texts.size())));
    units.texts.resize(rows);
    units.names.resize(rows);
    Arrays rest;
    rest.names = std::move(units.names);
    const bool known = options.like && options.like->x.kind == Kind::kToken;
    return token_data(units.texts,
                      {parse_tokenizer(options_.tokens), options_.max_length, options_.too_long,
                       options_.min_count},
                      std::move(rest), known ? &options.like->x : nullptr);
  }

 private:
  TextOptions options_;
};

const bool added = readers().add<TextOptions>(
    "text", "lines, sentences or paragraphs of text: FILE.txt, also gzip",
    [](const TextOptions& options) { return std::make_shared<TextReader>(options); });

}  // namespace
}  // namespace elbo
