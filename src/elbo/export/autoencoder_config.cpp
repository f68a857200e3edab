#include "elbo/export/autoencoder_config.h"

#include <map>

#include "elbo/export/autoencoder_fields.h"
#include "elbo/nn/picture_network.h"

namespace elbo {
namespace {

constexpr int64_t kMostChannels = 16384, kMostLevels = 8;

Json declaration(const AutoencoderConfig& c, bool encoder) {
  const auto& channels = encoder || c.decoder_channels.empty() ? c.channels : c.decoder_channels;
  return {{"type", "autoencoder_kl"}, {"channels", channels},
          {"blocks", c.blocks},       {"groups", c.groups},
          {"attention", c.attention}, {"code_layer", encoder ? c.quant : c.post_quant},
          {"centred", true},          {"side", encoder ? "encoder" : "decoder"}};
}

}  // namespace

AutoencoderConfig read_autoencoder_config(const Json& config, const std::string& where) {
  const PublishedFields fields(config, where);
  if (fields.has("_class_name") && fields["_class_name"] == "AutoencoderTiny") {
    return read_tiny_config(fields);
  }
  AutoencoderConfig c;
  if (fields.has("_class_name")) {
    const auto& name = fields["_class_name"];
    if (name != "AutoencoderKL" && name != "AutoencoderKLFlux2") {
      fields.refuse("_class_name", "AutoencoderKL, AutoencoderKLFlux2 or AutoencoderTiny");
    }
    c.class_name = name.get<std::string>();
  }
  if (fields.has("act_fn") && fields["act_fn"] != "silu" && fields["act_fn"] != "swish") {
    fields.refuse("act_fn", "\"silu\"");
  }
  if (c.class_name != "AutoencoderKL") {  // other defaults
    c.channels = {128, 256, 512, 512};
    c.blocks = 2;
    c.latent = 32;
    c.side = 1024;
  }
  fields.wholes("block_out_channels", c.channels, 1, kMostChannels, kMostLevels);
  if (fields.has("decoder_block_out_channels")) {
    fields.wholes("decoder_block_out_channels", c.decoder_channels, 1, kMostChannels, kMostLevels);
    if (c.decoder_channels.size() != c.channels.size()) {
      fields.refuse("decoder_block_out_channels", "as many as block_out_channels");
    }
  }
  fields.words("down_block_types", "DownEncoderBlock2D", c.channels.size());
  fields.words("up_block_types", "UpDecoderBlock2D", c.channels.size());
  int64_t out = 3;
  fields.whole("in_channels", c.pictures, 1, 4);
  fields.whole("out_channels", out, 1, 4);
  if (out != c.pictures) fields.refuse("out_channels", "as many as in_channels");
  fields.whole("latent_channels", c.latent, 1, 1024);
  fields.whole("layers_per_block", c.blocks, 1, 64);
  fields.whole("norm_num_groups", c.groups, 1, 1024);
  fields.whole("sample_size", c.side, 1, kMostPublishedSide);
  fields.truth("mid_block_add_attention", c.attention);
  fields.truth("use_quant_conv", c.quant);
  fields.truth("use_post_quant_conv", c.post_quant);
  fields.number("scaling_factor", c.scaling);
  fields.number("shift_factor", c.shift);
  fields.numbers("latents_mean", c.mean, c.latent);
  fields.numbers("latents_std", c.deviation, c.latent);
  fields.number("batch_norm_eps", c.norm_epsilon);
  if (fields.has("patch_size") && fields["patch_size"] != Json{2, 2}) {
    fields.refuse("patch_size", "[2, 2]");
  }
  if (c.scaling == 0) fields.refuse("scaling_factor", "another number");
  for (const auto& side : {c.channels, c.decoder_channels}) {
    for (const int64_t channels : side) {
      check(channels % c.groups == 0, "[config] ", where, ": block_out_channels: found ", channels,
            ", must be a multiple of norm_num_groups, ", c.groups);
    }
  }
  return c;
}

AutoencoderConfig guess_autoencoder_config(const NamedTensors& tensors, const std::string& where) {
  std::map<std::string, Shape> shapes;
  for (const auto& [name, tensor] : tensors) shapes[name] = tensor.sizes().vec();
  const auto shape = [&](const std::string& name) {
    const auto at = shapes.find(name);
    return at == shapes.end() ? Shape() : at->second;
  };
  const bool ldm = shapes.count("encoder.down.0.block.0.conv1.weight") > 0;
  const auto layer = [&](size_t level, int64_t block) {
    const auto i = std::to_string(level), j = std::to_string(block);
    return shape(ldm ? "encoder.down." + i + ".block." + j + ".conv1.weight"
                     : "encoder.down_blocks." + i + ".resnets." + j + ".conv1.weight");
  };
  AutoencoderConfig c;
  c.channels.clear();
  while (c.channels.size() <= kMostLevels && layer(c.channels.size(), 0).size() == 4) {
    c.channels.push_back(layer(c.channels.size(), 0)[0]);
  }
  const auto first = shape("encoder.conv_in.weight"), last = shape("decoder.conv_in.weight");
  check(!c.channels.empty() && c.channels.size() <= kMostLevels && first.size() == 4 &&
            last.size() == 4,
        "[import] ", where, ": holds no image autoencoder (no encoder.conv_in.weight, ",
        "decoder.conv_in.weight or encoder.down… among its tensors)");
  c.blocks = 0;
  while (c.blocks < 64 && layer(0, c.blocks).size() == 4) ++c.blocks;
  c.pictures = first[1];
  c.latent = last[1];
  const auto has = [&](const char* name) { return shapes.count(name) > 0; };
  c.quant = has("quant_conv.weight") || has("encoder.quant_conv.weight");
  c.post_quant = has("post_quant_conv.weight") || has("decoder.post_quant_conv.weight");
  c.attention = has("encoder.mid.attn_1.q.weight") ||
                has("encoder.mid_block.attentions.0.to_q.weight") ||
                has("encoder.mid_block.attentions.0.query.weight");
  if (has("bn.running_mean")) c.class_name = "AutoencoderKLFlux2";
  c.side = 512;
  return c;
}

std::string autoencoder_config_text(const AutoencoderConfig& c) {
  if (c.tiny()) return tiny_config_text(c);
  const auto n = c.channels.size();
  const bool packed = c.class_name != "AutoencoderKL";
  Json j{{"_class_name", c.class_name},
         {"_diffusers_version", kDiffusersVersion},
         {"act_fn", "silu"},
         {"block_out_channels", c.channels},
         {"down_block_types", std::vector<std::string>(n, "DownEncoderBlock2D")},
         {"up_block_types", std::vector<std::string>(n, "UpDecoderBlock2D")},
         {"in_channels", c.pictures},
         {"out_channels", c.pictures},
         {"latent_channels", c.latent},
         {"layers_per_block", c.blocks},
         {"norm_num_groups", c.groups},
         {"sample_size", c.side},
         {"force_upcast", true},
         {"use_quant_conv", c.quant},
         {"use_post_quant_conv", c.post_quant},
         {"mid_block_add_attention", c.attention}};
  if (packed) {
    if (!c.decoder_channels.empty()) j["decoder_block_out_channels"] = c.decoder_channels;
    j["batch_norm_eps"] = c.norm_epsilon;
    j["batch_norm_momentum"] = 0.1;
    j["patch_size"] = {2, 2};
  } else {
    j["scaling_factor"] = c.scaling;
    j["shift_factor"] = c.shift == 0 ? Json() : Json(c.shift);
    j["latents_mean"] = c.mean.empty() ? Json() : Json(c.mean);
    j["latents_std"] = c.deviation.empty() ? Json() : Json(c.deviation);
  }
  return j.dump(2) + "\n";
}

Json autoencoder_spec(const AutoencoderConfig& c) {
  if (c.tiny()) return tiny_spec(c);
  const int64_t side = (c.side + c.factor() - 1) / c.factor();
  return {{"latent", {{"type", "flat"}, {"shape", {c.latent, side, side}}}},
          {"encoder", declaration(c, true)},
          {"decoder", declaration(c, false)},
          {"posterior",
           {{"type", "normal"},
            {"output", "log_variance"},
            {"min_log_scale", -15},
            {"max_log_scale", 10}}},
          {"prior", "normal"},
          {"likelihood", {{"type", "normal"}, {"scale", "learned"}}},
          {"objective", {{"type", "elbo"}, {"beta", 1e-6}}}};
}

AutoencoderConfig autoencoder_config_of(const Json& spec, const Json& latents, const Shape& picture,
                                        const std::string& where) {
  if (is_tiny_spec(spec)) return tiny_config_of(spec, latents);
  const auto& encoder = spec.at("encoder");
  const auto& decoder = spec.at("decoder");
  const auto is = [](const Json& part) {
    return part == "autoencoder_kl" ||
           (part.is_object() && part.value("type", Json()) == "autoencoder_kl");
  };
  const auto shape = spec.at("latent").value("shape", Json());
  check(is(encoder) && is(decoder) && shape.is_array() && shape.size() == 3, "[export] ", where,
        ": its encoder and decoder are ",
        encoder.is_object() ? encoder.value("type", Json()) : encoder, " and ",
        decoder.is_object() ? decoder.value("type", Json()) : decoder,
        "; such files hold networks of type autoencoder_kl or autoencoder_tiny");
  AutoencoderConfig c;
  if (latents.is_object() && latents.contains("patch_variance"))
    c.class_name = "AutoencoderKLFlux2";
  const auto read = [](const Json& part, const char* name, auto& field) {
    if (part.is_object() && part.contains(name)) part[name].get_to(field);
  };
  c.blocks = 2;
  const auto channels = [&](const Json& part) {
    std::vector<int64_t> list;
    int64_t width = 64;
    read(part, "channels", list);
    read(part, "width", width);
    return list.empty() ? usual_picture_channels(width, picture.at(1), shape[1]) : list;
  };
  c.channels = channels(encoder);
  c.decoder_channels = channels(decoder);
  c.pictures = picture.at(0);
  if (c.decoder_channels == c.channels) c.decoder_channels.clear();
  check(c.decoder_channels.empty() || c.class_name != "AutoencoderKL", "[export] ", where,
        ": its encoder and decoder have other channels, which such files cannot say");
  read(encoder, "blocks", c.blocks);
  read(encoder, "groups", c.groups);
  read(encoder, "attention", c.attention);
  read(encoder, "code_layer", c.quant);
  read(decoder, "code_layer", c.post_quant);
  c.latent = shape[0];
  c.side = shape[1].get<int64_t>() * c.factor();
  read(latents, "scale", c.scaling);
  read(latents, "shift", c.shift);
  read(latents, "mean", c.mean);
  read(latents, "deviation", c.deviation);
  if (latents.is_object() && latents.contains("patch_variance"))
    c.class_name = "AutoencoderKLFlux2";
  return c;
}

}  // namespace elbo
