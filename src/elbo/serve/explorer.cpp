#include "elbo/serve/explorer.h"

#include <cmath>

#include "elbo/chem/molecule.h"
#include "elbo/data/molecules.h"
#include "elbo/data/table.h"
#include "elbo/data/tokenizer.h"
#include "elbo/eval/density.h"
#include "elbo/eval/embedding.h"
#include "elbo/io/base64.h"
#include "elbo/io/image.h"
#include "elbo/tasks/output.h"
#include "elbo/tasks/report_molecules.h"
#include "elbo/tasks/rows.h"

namespace elbo {
namespace {

constexpr int64_t kMapRows = 2000, kSliders = 12, kMostRows = 256, kDraws = 100, kBlock = 20;
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

bool shows_molecules(const Schema& x) { return is_molecules(x) && has_chemistry(); }

Json numbers(const Tensor& row) {
  const auto plain = row.to(torch::kCPU, torch::kFloat32).contiguous();
  Json list = Json::array();
  for (int64_t i = 0; i < plain.numel(); ++i) {
    const float v = plain.data_ptr<float>()[i];
    // A float's shortest text as double has seventeen digits.
    static const double scale = std::pow(10, kShownDecimals);
    list.push_back(std::isfinite(v) ? Json(std::round(v * scale) / scale) : Json());
  }
  return list;
}

/// Numbers beside which float32 is too coarse, as Schema::origin() has them.
Json far_numbers(const Tensor& row) {
  const auto plain = row.to(torch::kCPU, torch::kFloat64).contiguous();
  Json list = Json::array();
  for (int64_t i = 0; i < plain.numel(); ++i) {
    const double v = plain.data_ptr<double>()[i];
    list.push_back(std::isfinite(v) ? Json(v) : Json());
  }
  return list;
}

double number_in(const Json& question, const char* key, double usual, double low, double high) {
  if (!question.contains(key)) return usual;
  const auto& value = question[key];
  check(value.is_number() && value >= low && value <= high, "[explore] ", key, ": found ",
        value.dump(), ", allowed ", low, " to ", high);
  return value.get<double>();
}

void must_be_object(const Json& question) {
  check(question.is_object(), "[explore] expected a JSON object");
}

/// A row of a table from named cells: {values, mask}, one row each.
Batch table_row(const Schema& x, const Json& cells) {
  const auto columns = columns_of(x);
  const auto count = static_cast<int64_t>(columns.size());
  Batch batch{torch::zeros({1, count}), torch::zeros({1, count}), Tensor(), Tensor()};
  for (const auto& [name, cell] : cells.items()) {
    const auto at = std::find_if(columns.begin(), columns.end(),
                                 [&, n = name](const auto& c) { return c.name == n; });
    check(at != columns.end(), "[explore] row: unknown column \"", name, "\"");
    if (cell.is_null() || cell == "") continue;
    const auto text = cell.is_string() ? cell.get<std::string>() : cell.dump();
    batch.x[0][at - columns.begin()] = Cells(*at).value(text);
    batch.mask[0][at - columns.begin()] = 1;
  }
  return batch;
}

}  // namespace

Tensor read_pictures(const Tensor& shades, const Schema& x) {
  const auto channels = x.shape[0], own = shades.size(1);
  auto read = own > channels ? shades.mean(1, true) : shades;
  if (own < channels) read = read.expand({-1, channels, -1, -1}).contiguous();
  return x.kind == Kind::kBinary ? (read >= 0.5).to(torch::kFloat32) : read;
}

Explorer::Explorer(std::shared_ptr<const Run> run, std::shared_ptr<Model> model)
    : run_(std::move(run)), model_(std::move(model)) {
  torch::NoGradGuard no_gradient;
  RandomScope scope(0);
  const auto& schemas = run_->schemas();
  layout_ = code_layout(*model_, schemas);
  const auto data = some_rows(run_->held_out(nullptr), kMapRows, Draw{}.key("map"));
  const auto codes = encode_all(*model_, layout_, *data, {});
  const auto c = schemas.c.present() ? conditions({run_, model_, {}, {}}, "", 256) : Tensor();
  centre_ = prior_draws(256, c).mean(0);

  info_ = {{"model", run_->facts().value("model", "")},
           {"data", run_->data_name()},
           {"shape", schemas.x.shape},
           {"kind", schemas.x.kind},
           {"picture", is_picture(schemas.x) || shows_molecules(schemas.x)},
           {"molecules", is_molecules(schemas.x)},
           {"code_size", layout_.size},
           {"classes", class_names(schemas.c.present() ? schemas.c : schemas.y)},
           {"conditional", schemas.c.present()}};
  if (schemas.x.kind == Kind::kTable) {
    for (const auto& column : columns_of(schemas.x)) {
      info_["columns"].push_back(
          {{"name", column.name}, {"type", column.type}, {"classes", column.classes}});
    }
  }
  info_.update(map_of(codes, labels_of(*data)));
}

Json Explorer::map_of(const Codes& codes, const Tensor& labels) const {
  const auto mean = codes.mean.mean(0), spread = codes.mean.std(0, false);
  const auto order = std::get<1>(spread.sort(0, true));
  Json sliders = Json::array();
  const auto names = layout_.mean_names();
  for (int64_t i = 0; i < std::min(kSliders, layout_.size); ++i) {
    const auto d = order[i].item<int64_t>();
    sliders.push_back({{"dimension", d},
                       {"name", names[static_cast<size_t>(d)]},
                       {"mean", mean[d].item<double>()},
                       {"deviation", std::max(1e-3, spread[d].item<double>())}});
  }
  // A click on the map becomes mean + a * axis 1 + b * axis 2.
  const auto centred = codes.mean - mean;
  const auto axes = principal_axes(centred);
  const int64_t shown = axes.size(1);
  const auto places = centred.matmul(axes);
  Json points = Json::array(), axis_list = Json::array(), label_list = Json::array();
  for (int64_t i = 0; i < places.size(0); ++i) points.push_back(numbers(places[i]));
  for (int64_t i = 0; i < shown; ++i) axis_list.push_back(numbers(axes.select(1, i)));
  if (labels.defined()) {
    for (int64_t i = 0; i < labels.size(0); ++i) label_list.push_back(labels[i].item<int64_t>());
  }
  const auto share = places.square().sum() / centred.square().sum().clamp_min(1e-12);
  return {{"sliders", sliders},
          {"map",
           {{"points", points},
            {"labels", label_list},
            {"axes", axis_list},
            {"mean", numbers(mean)},
            {"variance_shown", share.item<double>()}}}};
}

/// [n, D] codes from the prior, all sites side by side.
Tensor Explorer::prior_draws(int64_t n, const Tensor& c) const {
  std::vector<Tensor> draws;
  for (const auto& site : model_->latent->generate(n, c).sites) {
    draws.push_back(site.value.to(torch::kFloat32).reshape({n, -1}));
  }
  return torch::cat(draws, 1);
}

Json Explorer::rows_of(const Tensor& x) const {
  const auto& schema = run_->schemas().x;
  Json rows = Json::array();
  for (int64_t i = 0; i < x.size(0); ++i) {
    if (is_picture(schema)) {
      const auto picture = picture_grid(x.narrow(0, i, 1), schema, 1);
      rows.push_back("data:image/png;base64," + base64(encode_png(picture)));
    } else if (shows_molecules(schema)) {
      rows.push_back(molecule_image(texts_of(schema, x.narrow(0, i, 1))[0]));
    } else if (schema.kind == Kind::kTable) {
      Json cells = Json::object();
      int64_t k = 0;
      for (const auto& column : columns_of(schema)) {
        const auto value = x[i][k++].item<double>();
        cells[column.name] = std::isnan(value) ? "" : Cells(column).text(value);
      }
      rows.push_back(cells);
    } else if (is_text(schema)) {
      rows.push_back(decode_row(schema, x[i]));
    } else {
      const auto origin = schema.origin();
      rows.push_back(origin.defined() ? far_numbers(x[i].to(torch::kFloat64) + origin)
                                      : numbers(x[i].flatten()));
    }
  }
  return rows;
}

Tensor Explorer::condition_of(const Json& question, int64_t n) const {
  const auto& c = run_->schemas().c;
  if (!c.present()) return Tensor();
  const Json asked = question.value("condition", Json(""));
  const auto text = asked.is_string() ? asked.get<std::string>() : asked.dump();
  // Names only: a file of conditions is for the command line, not for strangers.
  check(!is_row_file(text), "[explore] condition: expected a class or numbers");
  return conditions({run_, model_, {}, {}}, text, n);
}

Json Explorer::centre() const { return numbers(centre_); }

Json Explorer::condition(const std::string& name) const {
  const auto c = condition_of({{"condition", name}}, 1);
  return {{"shape", run_->schemas().c.shape}, {"values", numbers(c.flatten())}};
}

Json Explorer::decode(const Json& question) {
  must_be_object(question);
  const auto codes = matrix(question.value("codes", Json()), "codes");
  const auto c = condition_of(question, codes.size(0));
  const std::lock_guard lock(one_at_a_time_);
  return {
      {"rows", rows_of(one_value(*decode_codes(*model_, layout_, codes, c), run_->schemas().x))}};
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
  if (temperature != 1) codes = centre_ + temperature * (codes - centre_);
  Json list = Json::array();
  for (int64_t i = 0; i < n; ++i) list.push_back(numbers(codes[i]));
  return {
      {"codes", list},
      {"rows", rows_of(one_value(*decode_codes(*model_, layout_, codes, c), run_->schemas().x))}};
}

Json Explorer::encode(const Json& question) {
  must_be_object(question);
  check(question.contains("row"), "[explore] expected \"row\", or a picture as the body");
  const auto& x = run_->schemas().x;
  const auto& row = question["row"];
  Batch batch;
  if (row.is_object()) {
    check(x.kind == Kind::kTable, "[explore] row: the model is not of a table");
    batch = table_row(x, row);
  } else if (row.is_string()) {
    check(is_text(x), "[explore] row: the model is not of texts");
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
  const auto& x = run_->schemas().x;
  check(is_picture(x), "[explore] the model's rows are not pictures");
  // One at a time is unpacked: each may take many times its bytes.
  const std::lock_guard unpacking(one_picture_at_a_time_);
  auto image = decode_image(bytes, "the picture", kMostPicturePixels);
  image = resize_image(image, x.shape[1], x.shape[2]).to(torch::kFloat32) / 255;
  Batch batch;
  batch.x = read_pictures(image.unsqueeze(0), x);
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
  const bool cells = run_->schemas().x.kind == Kind::kTable;
  const auto seen = cells ? batch.x.masked_fill(batch.mask == 0, NAN) : batch.x;
  return {{"code", numbers(codes.mean[0])},
          {"deviation", numbers(codes.deviation[0])},
          {"data", rows_of(seen)[0]},
          {"reconstruction", rows_of(mean)[0]},
          {"nats", -log_p.item<double>()}};
}

}  // namespace elbo
