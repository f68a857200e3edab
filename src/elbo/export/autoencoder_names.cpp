#include "elbo/export/autoencoder_names.h"

#include <array>
#include <utility>
#include <vector>

#include "elbo/core/error.h"
#include "elbo/core/registry.h"

namespace elbo {
namespace {

using Words = std::vector<std::string>;

Words words_of(const std::string& name) {
  Words words{""};
  for (const char c : name) {
    if (c == '.') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

constexpr std::array<std::pair<const char*, const char*>, 3> kNamings{
    {{"diffusers", "diffusers"}, {"old", "diffusers before 0.17"}, {"ldm", "latent diffusion"}}};

/// Of attention: diffusers, its earlier versions, latent diffusion.
struct Part {
  const char *now, *before, *ldm;
};
constexpr std::array<Part, 5> kParts{{{"group_norm", "group_norm", "norm"},
                                      {"to_q", "query", "q"},
                                      {"to_k", "key", "k"},
                                      {"to_v", "value", "v"},
                                      {"to_out", "proj_attn", "proj_out"}}};

const Part* part_of(const Words& w) {
  if (w.size() < 6 || w[2] != "attentions") return nullptr;
  for (const auto& part : kParts) {
    if (w[4] == part.now) return &part;
  }
  return nullptr;
}

/// Takes the words of an attention's part, "to_out.0" being two of them.
Words with_part(Words start, const char* part, const Words& w) {
  start.emplace_back(part);
  start.push_back(w.back());  // weight or bias
  return start;
}

Words ldm_level(const Words& w, size_t levels) {
  const bool up = w[1] == "up_blocks";
  const auto level = std::stoul(w[2]);
  Words to{w[0], up ? "up" : "down", std::to_string(up ? levels - 1 - level : level)};
  if (w[3] != "resnets") {
    to.emplace_back(up ? "upsample" : "downsample");
    to.insert(to.end(), w.begin() + 5, w.end());
    return to;
  }
  to.emplace_back("block");
  to.insert(to.end(), w.begin() + 4, w.end());
  for (auto& word : to) {
    if (word == "conv_shortcut") word = "nin_shortcut";
  }
  return to;
}

Words ldm_words(const Words& w, size_t levels, bool nested) {
  if (w[0] == "quant_conv" && nested) return {"encoder", w[0], w[1]};
  if (w[0] == "post_quant_conv" && nested) return {"decoder", w[0], w[1]};
  if (w.size() < 3) return w;
  if (w[1] == "conv_norm_out") return {w[0], "norm_out", w[2]};
  if (w[1] == "down_blocks" || w[1] == "up_blocks") return ldm_level(w, levels);
  if (w[1] != "mid_block") return w;
  if (const auto* part = part_of(w)) return with_part({w[0], "mid", "attn_1"}, part->ldm, w);
  Words to{w[0], "mid", w[3] == "0" ? "block_1" : "block_2"};
  to.insert(to.end(), w.begin() + 4, w.end());
  return to;
}

}  // namespace

const char* to_string(Naming naming) { return kNamings[static_cast<size_t>(naming)].first; }

Naming naming_of(const std::string& word) {
  for (size_t i = 0; i < kNamings.size(); ++i) {
    if (word == kNamings[i].first) return static_cast<Naming>(i);
  }
  fail("[names] unknown \"", word, "\"; known: diffusers, old, ldm");
}

std::string name_in(Naming naming, const std::string& name, size_t levels, bool nested) {
  const auto words = words_of(name);
  if (naming == Naming::kLdm) return join(ldm_words(words, levels, nested), ".");
  const auto* part = part_of(words);
  if (naming == Naming::kDiffusers || !part) return name;
  return join(with_part({words.begin(), words.begin() + 4}, part->before, words), ".");
}

bool is_attention_matrix(const std::string& name) {
  const auto words = words_of(name);
  const auto* part = part_of(words);
  return part && part != kParts.data() && words.back() == "weight";
}

std::string published_name(const std::string& parameter) {
  for (const auto& [start, side] :
       {std::pair{"latent.encoder.", "encoder."}, std::pair{"decoder.", "decoder."}}) {
    if (parameter.rfind(start, 0) != 0) continue;
    const auto rest = parameter.substr(std::string(start).size());
    const bool outside =
        rest.rfind("quant_conv.", 0) == 0 || rest.rfind("post_quant_conv.", 0) == 0;
    return outside ? rest : side + rest;
  }
  return "";
}

}  // namespace elbo
