#include "elbo/serve/explorer.h"

#include <cmath>

#include "elbo/data/label_rows.h"
#include "elbo/data/source.h"
#include "elbo/data/tokenizer.h"
#include "elbo/eval/density.h"
#include "elbo/eval/embedding.h"
#include "elbo/eval/table_comparison.h"
#include "elbo/eval/threshold.h"
#include "elbo/io/image.h"
#include "elbo/io/row_file.h"
#include "elbo/serve/explorer_map.h"
#include "elbo/tasks/rows.h"
#include "elbo/train/kept.h"

namespace elbo {
namespace {

constexpr int64_t kMapRows = 2000, kMostRows = 256, kDraws = 100, kBlock = 20;
constexpr int64_t kMostPicturePixels = int64_t{1} << 24;

Tensor matrix(const Json& rows, const std::string& what, const Tensor& origin = Tensor()) {
  const bool shaped = rows.is_array() && !rows.empty() && rows[0].is_array() && !rows[0].empty();
  check(shaped, "[explore] ", what, ": expected a list of rows of numbers");
  check(static_cast<int64_t>(rows.size()) <= kMostRows, "[explore] ", what, ": ", rows.size(),
        " rows, at most ", kMostRows, " at once");
  std::vector<double> values;
  for (const auto& row : rows) {
    check(row.is_array() && row.size() == rows[0].size(), "[explore] ", what,
          ": rows of different lengths");
    for (const auto& cell : row) {
      check(cell.is_number(), "[explore] ", what, ": ", cell.dump(), " is not a number");
      values.push_back(cell.get<double>());
    }
  }
  auto all = torch::tensor(values, torch::kFloat64).view({static_cast<int64_t>(rows.size()), -1});
  if (origin.defined() && origin.numel() == all.size(1)) all -= origin.view({1, -1});
  return all.to(torch::kFloat32);
}

double number_in(const Json& question, const char* key, double usual, double low, double high) {
  if (!question.contains(key)) return usual;
  const auto& value = question[key];
  check(value.is_number() && value >= low && value <= high, "[explore] ", key, ": found ",
        value.dump(), ", allowed ", low, " to ", high);
  return value.get<double>();
}

/// A place in a list of `size`; the first where the question names none.
int64_t place_in(const Json& question, const char* key, int64_t size) {
  const double place = number_in(question, key, 0, 0, static_cast<double>(size - 1));
  check(place == std::floor(place), "[explore] ", key, ": found ", place,
        ", expected a whole number");
  return static_cast<int64_t>(place);
}

void must_be_object(const Json& question) {
  check(question.is_object(), "[explore] expected a JSON object");
}

}  // namespace

Explorer::Explorer(std::shared_ptr<const Run> run, std::shared_ptr<Model> model)
    : run_(std::move(run)), model_(std::move(model)), view_(view_of(run_->schemas().x)) {
  torch::NoGradGuard no_gradient;
  RandomScope scope(0);
  const auto& schemas = run_->schemas();
  layout_ = code_layout(*model_, schemas);
  levels_.emplace(*model_, layout_, schemas);
  rows_ = some_rows(run_->held_out(nullptr), kMapRows, Draw{}.key("map"));
  codes_ = encode_all(*model_, layout_, *rows_, {});
  recall_scores();
  if (schemas.c.present()) conditions_ = conditions({run_, model_, {}, {}}, "", kMostRows);
  centre_ = prior_draws(kMostRows, conditions_).mean(0);

  info_ = {{"model", run_->facts().value("model", "")},
           {"run", run_->name()},
           {"data", shown_source(run_->data_name())},
           {"shape", schemas.x.shape},
           {"kind", schemas.x.kind},
           {"code_size", layout_.size},
           {"classes", class_names(schemas.c.present() ? schemas.c : schemas.y)},
           {"conditional", schemas.c.present()}};
  info_.update(look_json(view_));
  const auto labels = labels_of(*rows_);
  whole_ = layout_.whole();
  info_.update(map_of_codes(layout_, codes_.mean, labels, [this] { return looks(); }));
  info_["attributes"] = class_steps(class_names(schemas.y), whole_, codes_.mean, labels);
}

/// Judges as elbo score does, by what the run keeps.
void Explorer::recall_scores() {
  const auto kept = run_->kept();
  if (!kept || !kept->scores.defined() || !kept->usual.defined()) return;
  const RowScoreOptions usual;
  const Json how = kept->about.value("score", Json::object());
  if (how.value("draws", Json()) != usual.draws || how.value("seed", Json()) != usual.seed) return;
  scorer_ = std::make_unique<RowScorer>(model_, run_->schemas(), usual);
  scorer_->recall({kept->scores, kept->usual});
}

Json Explorer::rows_info() const {
  Json names = Json::array(), columns = Json::array();
  for (int64_t i = 0; i < rows_->size(); ++i) names.push_back(rows_->row_name(i));
  const auto* table = std::get_if<TableView>(&view_);
  constexpr int64_t kMostColumns = 40;
  if (table) {
    const auto batch = rows_->get(torch::arange(rows_->size(), torch::kInt64));
    const auto x = batch.mask.defined() ? batch.x.masked_fill(batch.mask == 0, NAN) : batch.x;
    for (int64_t i = 0; i < std::min(kMostColumns, x.size(1)); ++i) {
      const auto& cells = table->cells()[static_cast<size_t>(i)];
      const auto& column = cells.column();
      const double low = column.low - column.origin, high = column.high - column.origin;
      Json one{{"name", column.name},
               {"classes", column.classes},
               {"values", number_list(x.select(1, i))}};
      if (column.numeric()) one["ends"] = {cells.text(low), cells.text(high)};
      columns.push_back(one);
    }
  }
  return {{"names", names}, {"columns", columns}};
}

Json Explorer::near(const Json& question) {
  must_be_object(question);
  const auto code = matrix(Json::array({question.value("code", Json())}), "code");
  check(code.size(1) == layout_.size, "[explore] code: ", code.size(1),
        " numbers, the model's have ", layout_.size);
  constexpr double kMost = 24;
  const auto n = static_cast<int64_t>(number_in(question, "n", 6, 1, kMost));
  const auto distances = code_distances(whole_, codes_.mean, code);
  const auto order = distances.argsort().narrow(0, 0, std::min(n, rows_->size()));
  const std::lock_guard lock(one_at_a_time_);
  const auto batch = rows_->get(order);
  const bool holes = std::holds_alternative<TableView>(view_) && batch.mask.defined();
  Json places = Json::array(), names = Json::array();
  for (int64_t i = 0; i < order.size(0); ++i) {
    places.push_back(order[i].item<int64_t>());
    names.push_back(rows_->row_name(order[i].item<int64_t>()));
  }
  return {{"places", places},
          {"names", names},
          {"distances", number_list(distances.index_select(0, order))},
          {"rows", rows_json(view_, holes ? batch.x.masked_fill(batch.mask == 0, NAN) : batch.x)}};
}

Json Explorer::layout(const Json& question) {
  must_be_object(question);
  const Json kind = question.value("kind", Json());
  const bool tsne = kind == "t-SNE";
  check(tsne || kind == "UMAP", "[explore] kind: found ", kind.dump(), ", allowed: t-SNE, UMAP");
  constexpr int64_t kMostLaid = 600, kFewest = 10;
  const int64_t n = std::min(kMostLaid, rows_->size());
  check(n >= kFewest && layout_.size > 2, "[explore] kind: the plane shows all there is");
  const std::lock_guard lock(one_at_a_time_);
  const auto codes = (looks_.defined() ? looks_ : codes_.mean).narrow(0, 0, n);
  const auto places = tsne ? neighbour_map(codes) : fuzzy_map(codes);
  Json points = Json::array();
  for (int64_t i = 0; i < n; ++i) points.push_back(number_list(places[i]));
  return {{"points", points}};
}

Json Explorer::open(const Json& question) {
  must_be_object(question);
  const auto row = place_in(question, "place", rows_->size());
  auto batch = rows_->get(torch::tensor({row}));
  const bool cells = std::holds_alternative<TableView>(view_);
  if (cells && !batch.mask.defined()) batch.mask = torch::ones_like(batch.x);
  auto answer = judge(batch);
  answer["name"] = rows_->row_name(row);
  return answer;
}

/// [N, F] what the rows of the map look like, decoded from their codes.
Tensor Explorer::looks() {
  std::vector<Tensor> parts;
  const int64_t block = block_rows(run_->schemas());
  for (int64_t from = 0; from < codes_.mean.size(0); from += block) {
    const int64_t to = std::min(from + block, codes_.mean.size(0));
    const auto batch = rows_->get(torch::arange(from, to));
    const auto p = decode_codes(*model_, layout_, codes_.mean.slice(0, from, to), batch.c);
    parts.push_back(one_value(*p, run_->schemas().x).flatten(1).to(torch::kFloat32));
  }
  looks_ = torch::cat(parts);
  const auto& x = run_->schemas().x;
  if (x.kind == Kind::kTable) {  // a salary must not drown an age
    constexpr int64_t kNone = -1;
    looks_ = table_features(looks_, looks_, columns_of(x), kNone).to(torch::kFloat32);
  }
  return looks_;
}

/// [n, D] codes from the prior, all sites side by side.
Tensor Explorer::prior_draws(int64_t n, const Tensor& c) const {
  std::vector<Tensor> draws;
  for (const auto& site : model_->latent->generate(n, c).sites) {
    draws.push_back(site.value.to(torch::kFloat32).reshape({n, -1}));
  }
  return torch::cat(draws, 1);
}

Tensor Explorer::condition_of(const Json& question, int64_t n) const {
  const auto& c = run_->schemas().c;
  if (!c.present()) return Tensor();
  const Json asked = question.value("condition", Json(""));
  const auto text = asked.is_string() ? asked.get<std::string>() : asked.dump();
  // Names only: a file of conditions is for the command line, not for strangers.
  check(!is_row_file(text), "[explore] condition: expected a class or numbers");
  // Without a word the rows' own, as kept: a question must not open the data anew.
  if (text.empty() && n <= conditions_.size(0)) return conditions_.narrow(0, 0, n);
  return conditions({run_, model_, {}, {}}, text, n);
}

Json Explorer::centre() const { return code_list(centre_); }

Json Explorer::condition(const std::string& name) const {
  const auto c = condition_of({{"condition", name}}, 1);
  return {{"shape", run_->schemas().c.shape}, {"values", number_list(c.flatten())}};
}

Json Explorer::decode(const Json& question) {
  must_be_object(question);
  auto codes = matrix(question.value("codes", Json()), "codes");
  const auto c = condition_of(question, codes.size(0));
  const std::lock_guard lock(one_at_a_time_);
  Json answer;
  if (question.contains("moved")) {
    codes = levels_->settled(codes, place_in(question, "moved", layout_.size), c);
    answer["codes"] = Json::array();
    for (int64_t i = 0; i < codes.size(0); ++i) answer["codes"].push_back(code_list(codes[i]));
  }
  answer["rows"] =
      rows_json(view_, one_value(*decode_codes(*model_, layout_, codes, c), run_->schemas().x));
  return answer;
}

Json Explorer::sample(const Json& question) {
  must_be_object(question);
  const double asked = number_in(question, "n", 16, 1, kMostRows);
  const auto n = static_cast<int64_t>(asked);
  check(asked == std::floor(asked), "[explore] n: found ", asked, ", expected a whole number");
  const double temperature = number_in(question, "temperature", 1, 0, 3);
  const auto c = condition_of(question, n);
  torch::NoGradGuard no_gradient;
  const std::lock_guard lock(one_at_a_time_);
  auto codes = prior_draws(n, c);
  if (temperature != 1) {
    codes = torch::where(whole_, codes, centre_ + temperature * (codes - centre_));
  }
  Json list = Json::array();
  for (int64_t i = 0; i < n; ++i) list.push_back(code_list(codes[i]));
  return {{"codes", list},
          {"rows", rows_json(view_, one_value(*decode_codes(*model_, layout_, codes, c),
                                              run_->schemas().x))}};
}

Json Explorer::encode(const Json& question) {
  must_be_object(question);
  check(question.contains("row"), "[explore] expected \"row\", or a picture as the body");
  const auto& x = run_->schemas().x;
  const auto& row = question["row"];
  Batch batch;
  if (row.is_object()) {
    const auto* table = std::get_if<TableView>(&view_);
    check(table, "[explore] row: the model is not of a table");
    batch = row_of_cells(*table, row);
  } else if (row.is_string()) {
    check(TextView::shows(x), "[explore] row: the model is not of texts");
    batch.x = encode_rows(x, {row.get<std::string>()});
    batch.mask = token_mask(batch.x);
  } else {
    batch.x = matrix(Json::array({row}), "row", x.origin());
    check(batch.x.size(1) == numel(x.shape), "[explore] row: ", batch.x.size(1),
          " numbers, the model's rows have ", numel(x.shape));
    batch.x = batch.x.view(with_rows(1, x.shape));
  }
  batch.c = condition_of(question, 1);
  return judge(batch);
}

Json Explorer::encode_picture(std::string_view bytes, const std::string& condition) {
  const auto* view = std::get_if<PictureView>(&view_);
  check(view, "[explore] the model's rows are not pictures");
  // One at a time is unpacked: each may take many times its bytes.
  const std::lock_guard unpacking(one_picture_at_a_time_);
  auto image = decode_image(bytes, "the picture", kMostPicturePixels);
  const auto& shape = view->shape();
  image = resize_image(image, shape[1], shape[2]).to(torch::kFloat32) / 255;
  Batch batch;
  batch.x = view->read(image.unsqueeze(0));
  batch.c = condition_of({{"condition", condition}}, 1);
  return judge(batch);
}

Json Explorer::judge(const Batch& batch) {
  torch::NoGradGuard no_gradient;
  const std::lock_guard lock(one_at_a_time_);
  const auto codes = encode_batch(*model_, layout_, batch);
  const auto log_p = importance_log_prob(*model_, batch, kDraws, kBlock);
  const auto mean =
      one_value(*decode_codes(*model_, layout_, codes.mean, batch.c), run_->schemas().x);
  const bool cells = std::holds_alternative<TableView>(view_);
  const auto seen = cells ? batch.x.masked_fill(batch.mask == 0, NAN) : batch.x;
  Json answer{{"code", code_list(codes.mean[0])},
              {"deviation", number_list(codes.deviation[0])},
              {"data", rows_json(view_, seen)[0]},
              {"reconstruction", rows_json(view_, mean)[0]},
              {"nats", -log_p.item<double>()}};
  if (scorer_) {
    answer["p_value"] =
        conformal_p_values(scorer_->scores(batch), scorer_->reference()).item<double>();
  }
  return answer;
}

}  // namespace elbo
