#include "elbo/data/label_rows.h"
#include "elbo/data/reader.h"
#include "elbo/data/rows.h"

namespace elbo {
namespace {

constexpr int64_t kBlock = 4096;

int64_t classes_for(const std::string& what, const Schema& y) {
  check(y.present(), "[data] ", what, ": the data have no labels");
  const int64_t classes = class_count(y);
  check(classes > 0, "[data] ", what, ": the data do not say how many classes there are");
  return classes;
}

/// Another data set with labels or conditions of its own.
class Relabelled : public DataAround {
 public:
  Relabelled(Data data, Schemas schemas, Tensor y, Tensor c)
      : DataAround(std::move(data)),
        schemas_(std::move(schemas)),
        y_(std::move(y)),
        c_(std::move(c)) {}

  Schemas schemas() const override { return schemas_; }
  Batch get(const Tensor& rows, const Draw& draw) const override {
    return relabelled(DataAround::get(rows, draw), rows);
  }
  Batch get_rest(const Tensor& rows) const override {
    return relabelled(DataAround::get_rest(rows), rows);
  }
  Tensor labels() const override { return y_.defined() ? y_ : DataAround::labels(); }

 private:
  Batch relabelled(Batch batch, const Tensor& rows) const {
    if (y_.defined()) batch.y = y_.index_select(0, rows);
    if (c_.defined()) batch.c = c_.index_select(0, rows);
    return batch;
  }

  Schemas schemas_;
  Tensor y_, c_;
};

}  // namespace

Tensor labels_of(const Dataset& data) {
  if (const auto* rows = streamed(data)) return rows->labels();
  const auto* bytes = dynamic_cast<const ByteRows*>(&data);
  if (bytes && data.size() > 0 && bytes->bytes(0)) {
    return bytes->get_rest(torch::arange(data.size(), torch::kInt64)).y;
  }
  std::vector<Tensor> parts;
  for_each_batch(data, kBlock, {}, [&](const Batch& batch, int64_t) { parts.push_back(batch.y); });
  return parts.empty() || !parts[0].defined() ? Tensor() : torch::cat(parts);
}

Data with_labels(Data data, const std::string& path, const Schemas* known) {
  auto schemas = data->schemas();
  if (!schemas.y.present() && known) schemas.y = known->y;
  if (!schemas.y.present()) schemas.y = category_schema(label_names(path));
  const auto y = read_labels(path, class_names(schemas.y), data->size());
  return std::make_shared<Relabelled>(std::move(data), schemas, y, Tensor());
}

Data few_labels(Data data, int64_t per_class, int64_t seed) {
  const auto schemas = data->schemas();
  const int64_t classes = classes_for("labels_per_class", schemas.y);
  const auto y = labels_of(*data);
  const auto* label = y.data_ptr<int64_t>();
  auto kept = torch::full_like(y, -1);
  auto* out = kept.data_ptr<int64_t>();
  std::vector<int64_t> count(static_cast<size_t>(classes), 0);
  for (const int64_t row :
       permutation(data->size(), Draw{static_cast<uint64_t>(seed), 0}.key("labels"))) {
    if (label[row] < 0 || count.at(label[row]) == per_class) continue;
    ++count[label[row]];
    out[row] = label[row];
  }
  const auto names = class_names(schemas.y);
  for (size_t k = 0; k < count.size(); ++k) {
    check(count[k] == per_class, "[data] labels_per_class: class ", names[k], " has ", count[k],
          " labelled rows, asked for ", per_class);
  }
  return std::make_shared<Relabelled>(std::move(data), schemas, kept, Tensor());
}

Data label_as_condition(Data data) {
  auto schemas = data->schemas();
  const int64_t classes = classes_for("condition", schemas.y);
  check(!schemas.c.present(), "[data] condition: the data bring conditions already");
  const auto y = labels_of(*data);
  check((y >= 0).all().item<bool>(), "[data] condition: a row without a label");
  const auto c = torch::one_hot(y, classes).to(torch::kFloat32);
  schemas.c = {{classes}, Kind::kCategory, {{"classes", class_names(schemas.y)}}};
  return std::make_shared<Relabelled>(std::move(data), schemas, Tensor(), c);
}

}  // namespace elbo
