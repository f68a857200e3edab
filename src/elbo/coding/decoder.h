#pragma once

#include <functional>
#include <optional>

#include "elbo/coding/container.h"
#include "elbo/coding/row_code.h"

namespace elbo {

/// What reads a packed file: by the model of a run, or by the one that the file holds.
struct Decoder {
  std::unique_ptr<RowCode> code;
  Schemas schemas;
  std::string side;  // of the file, without a model

  /// [rows] of these blocks; `progress` hears 0 … 1.
  Batch rows(const std::vector<Container::Block>& blocks,
             const std::function<void(double)>& progress) const;
  /// The whole file. Raises an Error where it is not the one that went in; `where` names it.
  std::string content(const Container& container, const std::string& where,
                      const std::function<void(double)>& progress) const;
};

/// By the model that the file holds; nothing where it holds none.
std::optional<Decoder> held_decoder(const Container& container);
/// The side of a file that holds this model, and says so in the facts.
std::string hold_model(const std::string& small_model, const std::string& side, Json& facts);

}  // namespace elbo
