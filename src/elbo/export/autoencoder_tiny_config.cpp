#include "elbo/export/autoencoder_fields.h"

namespace elbo {
namespace {

constexpr int64_t kMostWidth = 4096, kMostBlocks = 64;
constexpr size_t kMostResolutions = 8;

bool is_tiny(const Json& part) {
  return part.is_object() && part.value("type", Json()) == "autoencoder_tiny";
}

Json tiny_side(const AutoencoderConfig& c, bool encoder) {
  return {{"type", "autoencoder_tiny"},
          {"channels", c.channels.at(0)},
          {"blocks", encoder ? c.encoder_blocks : c.decoder_blocks},
          {"side", encoder ? "encoder" : "decoder"}};
}

}  // namespace

AutoencoderConfig read_tiny_config(const PublishedFields& fields) {
  AutoencoderConfig c;
  c.class_name = "AutoencoderTiny";
  c.encoder_blocks = {1, 3, 3, 3};
  c.decoder_blocks = {3, 3, 3, 1};
  c.side = 512;
  c.scaling = 1;
  c.quant = c.post_quant = c.attention = false;
  int64_t out = 3, doubling = 2;
  std::vector<int64_t> encoder_widths{64}, decoder_widths{64};
  fields.whole("in_channels", c.pictures, 1, 4);
  fields.whole("out_channels", out, 1, 4);
  if (out != c.pictures) fields.refuse("out_channels", "as many as in_channels");
  fields.whole("latent_channels", c.latent, 1, 1024);
  fields.whole("upsampling_scaling_factor", doubling, 2, 2);
  fields.wholes("num_encoder_blocks", c.encoder_blocks, 0, kMostBlocks, kMostResolutions);
  fields.wholes("num_decoder_blocks", c.decoder_blocks, 0, kMostBlocks, kMostResolutions);
  fields.wholes("encoder_block_out_channels", encoder_widths, 1, kMostWidth, kMostResolutions);
  fields.wholes("decoder_block_out_channels", decoder_widths, 1, kMostWidth, kMostResolutions);
  c.channels = {encoder_widths[0]};
  for (const auto& [name, widths] : {std::pair{"encoder_block_out_channels", encoder_widths},
                                     std::pair{"decoder_block_out_channels", decoder_widths}}) {
    for (const int64_t width : widths) {
      if (width != c.channels[0]) fields.refuse(name, "one number of channels everywhere");
    }
  }
  if (c.decoder_blocks.size() != c.encoder_blocks.size()) {
    fields.refuse("num_decoder_blocks", "as many resolutions as num_encoder_blocks");
  }
  if (fields.has("act_fn") && fields["act_fn"] != "relu") fields.refuse("act_fn", "\"relu\"");
  if (fields.has("upsample_fn") && fields["upsample_fn"] != "nearest") {
    fields.refuse("upsample_fn", "\"nearest\"");
  }
  fields.number("scaling_factor", c.scaling);
  fields.number("shift_factor", c.shift);
  if (c.scaling == 0) fields.refuse("scaling_factor", "another number");
  return c;
}

std::string tiny_config_text(const AutoencoderConfig& c) {
  const std::vector<int64_t> widths(c.encoder_blocks.size(), c.channels.at(0));
  const Json j{{"_class_name", c.class_name},
               {"_diffusers_version", kDiffusersVersion},
               {"act_fn", "relu"},
               {"block_out_channels", widths},
               {"decoder_block_out_channels", widths},
               {"encoder_block_out_channels", widths},
               {"force_upcast", false},
               {"in_channels", c.pictures},
               {"out_channels", c.pictures},
               {"latent_channels", c.latent},
               {"latent_magnitude", 3},
               {"latent_shift", 0.5},
               {"num_decoder_blocks", c.decoder_blocks},
               {"num_encoder_blocks", c.encoder_blocks},
               {"scaling_factor", c.scaling},
               {"shift_factor", c.shift},
               {"upsample_fn", "nearest"},
               {"upsampling_scaling_factor", 2}};
  return j.dump(2) + "\n";
}

Json tiny_spec(const AutoencoderConfig& c) {
  const int64_t side = (c.side + c.factor() - 1) / c.factor();
  return {{"latent", {{"type", "flat"}, {"shape", {c.latent, side, side}}}},
          {"encoder", tiny_side(c, true)},
          {"decoder", tiny_side(c, false)},
          {"posterior", "delta"},
          {"prior", "normal"},
          {"likelihood", {{"type", "normal"}, {"scale", "learned"}}},
          {"objective", {{"type", "elbo"}, {"beta", 0}}}};
}

bool is_tiny_spec(const Json& spec) {
  const auto& latent = spec.at("latent");
  return is_tiny(spec.at("encoder")) && is_tiny(spec.at("decoder")) && latent.contains("shape");
}

AutoencoderConfig tiny_config_of(const Json& spec, const Json& latents) {
  AutoencoderConfig c;
  c.class_name = "AutoencoderTiny";
  c.channels = {spec["encoder"].value("channels", int64_t{64})};
  c.encoder_blocks = spec["encoder"].value("blocks", std::vector<int64_t>{1, 3, 3, 3});
  c.decoder_blocks = spec["decoder"].value("blocks", std::vector<int64_t>{3, 3, 3, 1});
  c.latent = spec["latent"]["shape"][0];
  c.side = spec["latent"]["shape"][1].get<int64_t>() * c.factor();
  c.scaling = latents.is_object() ? latents.value("scale", 1.0) : 1.0;
  c.shift = latents.is_object() ? latents.value("shift", 0.0) : 0.0;
  return c;
}

}  // namespace elbo
