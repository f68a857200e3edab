#include "elbo/model/token_encoder.h"

#include "elbo/data/tokenizer.h"
#include "elbo/nn/dense.h"
#include "elbo/nn/sequence.h"

namespace elbo {
namespace {

struct TokenEncoderOptions {
  int64_t embedding = 128;
  std::string directions = "both", pool = "last";
  template <class F>
  void fields(F&& f) {
    f("embedding", embedding, "embedding size", between(1, 65536));
    f("directions", directions, "direction in which a row is read", one_of({"both", "forwards"}));
    f("pool", pool, "summary of all steps: the last one, or the last one and the mean",
      one_of({"last", "mean"}));
  }
};

/// The options of the encoder itself, taken out of a declaration.
TokenEncoderOptions take_options(Json& declaration) {
  Json own = Json::object();
  for (const auto& option : describe<TokenEncoderOptions>()) {
    if (!declaration.is_object() || !declaration.contains(option.name)) continue;
    own[option.name] = declaration[option.name];
    declaration.erase(option.name);
  }
  return read_options<TokenEncoderOptions>(own, "encoder");
}

bool names_sequence_network(const Json& declaration) {
  const Json name = declaration.is_object() ? declaration.value("type", Json()) : declaration;
  const auto& known = sequence_networks().entries();
  return std::any_of(known.begin(), known.end(),
                     [&](const auto& entry) { return name == Json(entry.name); });
}

/// What the rows of a batch hold: ids, hidden ones unknown, and how many steps they have.
struct Reading {
  Tensor ids, lengths;  // [B, steps of the longest] and [B], int64
};

Reading read_ids(const Tensor& x) {
  const auto seen = x.nan_to_num(kUnknownToken);
  const auto present = token_mask(seen) * x.isnan().logical_not();
  const auto place = torch::arange(1, x.size(1) + 1, x.options());
  const auto lengths = std::get<0>((present * place).max(1)).clamp_min(1).to(torch::kInt64);
  const auto ids = seen.round().to(torch::kInt64);
  return {ids.narrow(1, 0, lengths.max().item<int64_t>()), lengths};
}

class TokenEncoder : public Network {
 public:
  TokenEncoder(const Json& declaration, TokenEncoderOptions o, const Schema& x, int64_t condition)
      : o_(std::move(o)), steps_(x.shape.at(0)) {
    embedding_ = register_parameter(
        "embedding",
        torch::randn({static_cast<int64_t>(x.detail.at("vocabulary").size()), o_.embedding}));
    const SequencePlan plan{o_.embedding, steps_, condition};
    forwards_ = register_module("forwards", sequence_networks().make(plan, declaration));
    if (o_.directions == "both") {
      backwards_ = register_module("backwards", sequence_networks().make(plan, declaration));
    }
  }
  void set_out(Shape out) {
    const int64_t size = forwards_->out() * (backwards_ ? 2 : 1) * (o_.pool == "mean" ? 2 : 1);
    shape_ = std::move(out);
    out_ = register_module("out", std::make_shared<Dense>(size, numel(shape_)));
  }

  Tensor forward(const Tensor& x, const Tensor& c) override {
    const auto reading = read_ids(x);
    const Packing packing(reading.lengths, reading.ids.size(1));
    const auto context = c.defined() ? c.flatten(1) : c;
    std::vector<Tensor> parts;
    const auto read = [&](SequenceNetwork& network, const Tensor& ids) {
      const auto h = network.forward(torch::embedding(embedding_, ids), context, packing);
      parts.push_back(packing.last(h));
      if (o_.pool == "mean") parts.push_back(packing.mean(h));
    };
    read(*forwards_, packing.packed(reading.ids));
    if (backwards_) read(*backwards_, packing.packed_backwards(reading.ids));
    return out_->forward(torch::cat(parts, 1)).reshape(with_rows(x.size(0), shape_));
  }

  std::vector<LayerReport> report() const override {
    std::vector<LayerReport> lines{{"embedding", {steps_, o_.embedding}, embedding_.numel(), 0}};
    for (const auto& network : {forwards_, backwards_}) {
      if (!network) continue;
      const auto more = network->report();
      lines.insert(lines.end(), more.begin(), more.end());
    }
    lines.push_back(out_->report("out"));
    lines.back().out = shape_;
    return lines;
  }

 private:
  const TokenEncoderOptions o_;
  const int64_t steps_;
  Shape shape_;
  Tensor embedding_;  // [vocabulary, embedding]
  std::shared_ptr<SequenceNetwork> forwards_, backwards_;
  std::shared_ptr<Dense> out_;
};

/// Any network over the embedded tokens of a row, zero behind its end.
class EmbeddedTokens : public Network {
 public:
  EmbeddedTokens(const Schema& x, int64_t embedding, std::shared_ptr<Network> body)
      : steps_(x.shape.at(0)), body_(register_module("body", std::move(body))) {
    embedding_ = register_parameter(
        "embedding",
        torch::randn({static_cast<int64_t>(x.detail.at("vocabulary").size()), embedding}));
  }
  Tensor forward(const Tensor& x, const Tensor& c) override {
    const auto reading = read_ids(x);
    const auto steps = torch::arange(reading.ids.size(1), reading.lengths.options());
    const auto there = (steps < reading.lengths.unsqueeze(1)).unsqueeze(2).to(x.scalar_type());
    const auto embedded = torch::embedding(embedding_, reading.ids) * there;
    const int64_t behind = steps_ - embedded.size(1);
    return body_->forward(torch::constant_pad_nd(embedded, {0, 0, 0, behind}), c);
  }
  std::vector<LayerReport> report() const override {
    auto lines = body_->report();
    lines.insert(lines.begin(), {"embedding", {steps_, embedding_.size(1)}, embedding_.numel(), 0});
    return lines;
  }

 private:
  const int64_t steps_;
  std::shared_ptr<Network> body_;
  Tensor embedding_;
};

}  // namespace

std::shared_ptr<Network> make_token_encoder(const Json& declaration, const Schema& x, Shape out,
                                            int64_t condition) {
  check(x.shape.size() == 1 && x.detail.contains("vocabulary"), "[encoder] token data of shape ",
        to_string(x.shape), ": expected texts with a vocabulary");
  auto network = declaration;
  const auto options = take_options(network);
  if (names_sequence_network(network)) {
    const auto encoder = std::make_shared<TokenEncoder>(network, options, x, condition);
    encoder->set_out(std::move(out));
    return encoder;
  }
  const Shape in{x.shape[0], options.embedding};
  return std::make_shared<EmbeddedTokens>(
      x, options.embedding, networks().make({in, std::move(out), condition}, network));
}

}  // namespace elbo
