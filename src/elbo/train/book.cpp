#include "elbo/train/book.h"

#include <cmath>

namespace elbo {

void Book::add(const std::vector<std::pair<std::string, double>>& terms, double rows) {
  means.add(terms, rows);
  epoch_means.add(terms, rows);
}

void Book::advance(int64_t per_epoch) {
  ++step;
  if (++position < per_epoch) return;
  position = 0;
  ++epoch;
}

bool Book::close_epoch(double loss, int64_t patience) {
  const bool better = std::isfinite(loss) && (!best || loss < *best);
  if (better) best = loss;
  bad_epochs = better ? 0 : bad_epochs + 1;
  ended_early = patience > 0 && bad_epochs >= patience;
  means.clear();
  epoch_means.clear();
  return better;
}

Json Book::save() const {
  return {{"step", step},
          {"epoch", epoch},
          {"position", position},
          {"lr_scale", lr_scale},
          {"roll_backs", roll_backs},
          {"best", best ? Json(*best) : Json()},
          {"bad_epochs", bad_epochs},
          {"ended_early", ended_early},
          {"means", means.save()},
          {"epoch_means", epoch_means.save()}};
}

void Book::restore(const Json& saved) {
  step = saved.at("step");
  epoch = saved.at("epoch");
  position = saved.at("position");
  lr_scale = saved.at("lr_scale");
  roll_backs = saved.at("roll_backs");
  const Json& loss = saved.at("best");
  best = loss.is_null() ? std::nullopt : std::optional<double>(loss.get<double>());
  bad_epochs = saved.at("bad_epochs");
  ended_early = saved.at("ended_early");
  means.restore(saved.at("means"));
  epoch_means.restore(saved.at("epoch_means"));
}

}  // namespace elbo
