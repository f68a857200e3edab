#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "elbo/core/api.h"
#include "elbo/data/open.h"
#include "elbo/train/trainer.h"

namespace ELBO_API elbo {

class AllocationBound;
class FolderLock;
struct Kept;
using Weights = std::vector<std::pair<std::string, Tensor>>;
/// Copies of a model's parameters and buffers by name.
Weights weights_of(const Model& model);

/// A run on disk. Every file is written to a temporary name, synced, then renamed: a kill at any
/// moment leaves the previous good file. Loading never executes anything.
///   spec.json           the resolved model, the training options, where the data came from
///   schema.json         what the data must look like
///   weights.safetensors the best weights, or the last (train.keep); averaged where averaging is on
///   state.safetensors   what a bit-exact resume needs
///   kept.safetensors    what later uses need where the data are not (train/kept.h)
///   log.jsonl           one object per logged step
///   events.out.tfevents.elbo   the same for TensorBoard
class Run {
 public:
  /// Raises an Error where create() would refuse the folder.
  static void check_free(const std::filesystem::path& path, bool force);
  /// Makes the folder. Raises an Error where it holds something, unless `force` (which replaces
  /// a run, and nothing that is not one).
  static Run create(const std::filesystem::path& path, const Json& facts, const Schemas& schemas,
                    bool force);
  static Run open(const std::filesystem::path& path);
  /// A run that only lives in memory: for processes of a group that write nothing.
  static Run without_files(const Json& facts, const Schemas& schemas);

  const std::filesystem::path& path() const { return path_; }
  /// Its folder's own name.
  std::string name() const;
  const Json& facts() const { return facts_; }  // {"model", "spec", "train", "data", "rows"}
  const Json& spec() const { return facts_["spec"]; }
  const Schemas& schemas() const { return schemas_; }
  TrainOptions train_options() const;
  /// Replaces the facts (more epochs on resume); `write` = also on the disk.
  void set_facts(const Json& facts, bool write = true);

  /// Keeps other processes from writing to the run for as long as this object or a copy lives. An
  /// Error says who is training in it.
  void take();

  /// While it lives, tensors may take what such a file of the run can fill: a spec that somebody
  /// changed must not fill the memory. Null where the run has no such file.
  std::unique_ptr<AllocationBound> bound_by(const char* file) const;

  bool has_weights() const;
  /// The model with its best weights, in evaluation mode.
  std::shared_ptr<Model> load() const;
  void save_weights(const Weights& weights, const Json& about) const;
  /// What save_weights() was told: epoch, validation loss.
  Json weights_about() const;
  void save_state(const Trainer::State& state) const;
  bool has_state() const;
  Trainer::State load_state() const;

  /// A split of the source, read as at training time.
  Data open_data(const std::string& split) const;
  /// The rows given for training, opened once; and its two parts, the second null where none are
  /// held out.
  Data training_data() const;
  /// The same where somebody has opened it already.
  void give_training_data(Data data) { training_ = std::move(data); }
  std::pair<Data, Data> training_parts() const;
  /// Whether the source's own part validates, not rows held out of those for training.
  bool has_validation_part() const;
  /// The words of the command line that named the data.
  std::string data_name() const { return facts_["data"]["source"]; }
  /// The same for the current folder: relative paths are those of the folder of the training.
  std::string data_source() const;
  /// Whether the data are on this machine.
  bool data_here() const;
  /// Whether rows to judge by are: the data, or rows that the run keeps.
  bool has_rows() const;
  /// Raises the Error that says what is missing and how to go on.
  [[noreturn]] void lack_data() const;
  /// What the run keeps for uses without its data; null where it keeps nothing, or of other
  /// weights.
  std::shared_ptr<const Kept> kept() const;
  void keep(const Kept& kept) const;
  /// How the run reads data: its preprocessing, and the schema that it expects.
  DataOptions data_options(const std::string& split) const;
  /// Data given to another command: opened with the run's preprocessing and held to its schema;
  /// `odd`: see DataOptions; `skip_invalid` leaves out pictures and molecules that cannot be read.
  Data open_other(const std::string& text, const std::string& split,
                  OddCells odd = OddCells::kRefused, bool skip_invalid = false) const;
  /// The rows to judge a run by when none are given: the source's own test part, else the
  /// validation rows of training. Where the data are not here: the rows that the run keeps, else
  /// what the model decodes from the codes that it keeps. `name` receives which.
  Data held_out(std::string* name) const;

 private:
  Data opened(const DataOptions& options) const;

  std::filesystem::path path_;
  Json facts_;
  Schemas schemas_;
  std::shared_ptr<FolderLock> lock_;
  mutable Data training_;
  mutable std::shared_ptr<const Kept> kept_;
};

/// Trains a run from where it stands until it is finished: the product's own loop, with
/// validation, best weights, checkpoints, log and events. `report` sees every step and log line.
struct FitReport {
  std::function<bool(const Progress&)> on_step;
  std::function<void(const Json& line)> on_log;
  std::function<void(const std::string&)> on_note;
};
/// `data`: the training source where it is open already, else the run opens it.
Trainer::End fit(Run& run, const FitReport& report, Data data = nullptr,
                 torch::Device device = torch::kCPU);

}  // namespace elbo
