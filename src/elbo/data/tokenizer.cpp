#include "elbo/data/tokenizer.h"

namespace elbo {

Registry<Tokenizer>& tokenizers() {
  static Registry<Tokenizer> registry("tokens");
  return registry;
}

Json parse_tokenizer(const std::string& text) {
  const auto colon = text.find(':');
  if (colon == std::string::npos) {
    tokenizers().find(text);
    return {{"type", text}};
  }
  const auto size = text.substr(colon + 1);
  const bool number =
      !size.empty() && size.size() < 9 && size.find_first_not_of("0123456789") == std::string::npos;
  check(number, "[tokens] ", text, ": \"", size, "\" is not a size; expected e.g. bpe:8000");
  return {{"type", text.substr(0, colon)}, {"size", std::stoll(size)}};
}

TextCodec::TextCodec(const Schema& schema) {
  const auto vocabulary = schema.detail.value("vocabulary", Json());
  const auto name = schema.detail.value("tokens", Json());
  auto declaration = schema.detail.value("tokenizer", Json::object());
  check(schema.kind == Kind::kToken && schema.shape.size() == 1 && vocabulary.is_array() &&
            vocabulary.size() > kUnknownToken && name.is_string() && declaration.is_object(),
        "[tokens] schema: found ",
        schema.present() ? to_string(schema.kind) : std::string("nothing"),
        " data, expected texts with a vocabulary");
  declaration["type"] = name;
  tokenizer_ = tokenizers().make(declaration);
  steps_ = schema.shape[0];
  for (const auto& token : vocabulary) {
    check(token.is_string(), "[tokens] vocabulary: ", token.dump(), " is not text");
    const auto id = static_cast<int32_t>(vocabulary_.size());
    vocabulary_.push_back(token.get<std::string>());
    if (id > kUnknownToken) ids_.emplace(vocabulary_.back(), id);
  }
}

std::vector<int32_t> TextCodec::encode(const std::string& text, int64_t* unknown) const {
  std::vector<int32_t> ids;
  for (const auto& token : tokenizer_->split(text)) {
    const auto known = ids_.find(token);
    if (known == ids_.end() && unknown) ++*unknown;
    ids.push_back(known == ids_.end() ? kUnknownToken : known->second);
  }
  return ids;
}

std::vector<std::string> TextCodec::tokens(const Tensor& ids) const {
  const auto row = ids.to(torch::kCPU, torch::kFloat32).flatten().contiguous();
  std::vector<std::string> list;
  for (int64_t t = 0; t < row.numel(); ++t) {
    const auto id = static_cast<int64_t>(row.data_ptr<float>()[t] + 0.5F);
    if (id == kEndToken) break;
    check(id > 0 && id < size(), "[tokens] id ", id, ": the vocabulary has ", size());
    list.push_back(vocabulary_[static_cast<size_t>(id)]);
  }
  return list;
}

std::string TextCodec::decode(const Tensor& ids) const { return tokenizer_->join(tokens(ids)); }

Tensor TextCodec::row(const std::string& text) const {
  const auto ids = encode(text);
  check(static_cast<int64_t>(ids.size()) < steps_, "[tokens] \"", text.substr(0, 40),
        "\": ", ids.size(), " tokens, the model reads at most ", steps_ - 1);
  auto row = torch::zeros({steps_});
  for (size_t t = 0; t < ids.size(); ++t) row.data_ptr<float>()[t] = static_cast<float>(ids[t]);
  return row;
}

std::vector<std::string> TextCodec::texts(const Tensor& ids) const {
  std::vector<std::string> list;
  for (int64_t i = 0; i < ids.size(0); ++i) list.push_back(decode(ids[i]));
  return list;
}

Tensor TextCodec::rows(const std::vector<std::string>& texts) const {
  std::vector<Tensor> list;
  for (const auto& text : texts) list.push_back(row(text));
  return list.empty() ? torch::zeros({0, steps_}) : torch::stack(list);
}

Tensor encode_rows(const Schema& schema, const std::vector<std::string>& texts) {
  return TextCodec(schema).rows(texts);
}

std::vector<std::string> texts_of(const Schema& schema, const Tensor& ids) {
  return TextCodec(schema).texts(ids);
}

Tensor token_mask(const Tensor& ids) {
  const auto ended = (ids == kEndToken).to(torch::kFloat32).cumsum(-1);
  // The end itself still counts.
  return (ended - (ids == kEndToken).to(torch::kFloat32) == 0).to(torch::kFloat32);
}

}  // namespace elbo
