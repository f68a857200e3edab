#include "elbo/core/text.h"

#include <zlib.h>

#include <algorithm>

#include "elbo/data/open.h"
#include "elbo/data/reader.h"
#include "elbo/data/tokenizer.h"
#include "elbo/io/csv.h"
#include "elbo/io/file.h"
#include "elbo/io/utf16.h"

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

/// Lines end in LF: CRLF and a lone CR become one.
void unify_line_ends(std::string& text) {
  size_t to = 0;
  for (size_t from = 0; from < text.size(); ++from) {
    const bool cr = text[from] == '\r';
    if (cr && from + 1 < text.size() && text[from + 1] == '\n') continue;
    text[to++] = cr ? '\n' : text[from];
  }
  text.resize(to);
}

/// Whether the lines of a text are rows of numbers, two or more in each.
bool is_table_of_numbers(std::string_view head) {
  constexpr int64_t kLines = 20;
  int64_t lines = 0, first = 0;
  for (size_t from = 0; from < head.size() && lines < kLines;) {
    const auto to = std::min(head.find_first_of("\r\n", from), head.size());
    const auto line = without_spaces(head.substr(from, to - from));
    from = to + 1;
    if (line.empty()) continue;
    if (to == head.size() && lines > 0) break;  // may be cut
    int64_t cells = 0;
    for (size_t at = 0; at < line.size();) {
      const auto end = std::min(line.find_first_of(" \t,;", at), line.size());
      if (end > at) {
        const auto cell = line.substr(at, end - at);
        if (cell.find_first_not_of("+-.0123456789eE") != std::string_view::npos) return false;
        ++cells;
      }
      at = end + 1;
    }
    if (lines++ == 0) first = cells;
    if (cells != first) return false;
  }
  return lines > 1 && first > 1;
}

/// The first bytes of a file, unpacked; empty where it cannot be read.
std::string head_of(const std::string& path) {
  constexpr size_t kHead = 1 << 14;
  std::string head(kHead, '\0');
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return "";
  const int got = gzread(file, head.data(), static_cast<unsigned>(kHead));
  gzclose(file);
  head.resize(static_cast<size_t>(std::max(got, 0)));
  return head;
}

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
    const auto name = lower_case(path);
    if (!name.ends_with(".txt") && !name.ends_with(".txt.gz")) return false;
    check(!is_table_of_numbers(head_of(path)), "[data] ", path,
          ": its lines are rows of numbers; say what they are: table:", path, ", series:", path,
          " or text:", path);
    return true;
  }

  Data open(const std::string& path, const DataOptions& options) const override {
    const auto where = "text " + path;
    refuse_resize(options, where);
    refuse_test(options, where);
    check(options.binarize == "auto" || options.binarize == "none", "[", where,
          "] binarize: ", options.binarize, " asked for, only bytes can be binarized");
    auto text = read_maybe_gzip(path);
    if (!is_utf8(text) || text.find('\0') != std::string::npos)
      text = from_utf16(std::move(text), path);
    if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
    unify_line_ends(text);
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

const bool text_added = readers().add<TextOptions>(
    "text", "lines, sentences or paragraphs of text: FILE.txt, also gzip",
    [](const TextOptions& options) { return std::make_shared<TextReader>(options); });

}  // namespace
}  // namespace elbo
