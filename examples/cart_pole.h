#pragma once

#include <cmath>

#include "elbo/core/tensor.h"

/// Many cart-poles at once (Barto, Sutton & Anderson 1983): a cart on a rail is pushed left or
/// right and a pole on it must not fall. What is seen of one are pictures only.
class CartPoles {
 public:
  static constexpr int64_t kSide = 32;

  /// Cart and pole somewhere near the middle, `spread` times as far as usual.
  CartPoles(int64_t n, double spread) : state_((torch::rand({n, 4}) - 0.5) * 0.1 * spread) {
    alive_ = torch::ones({n});
    before_ = picture();
  }

  /// force: [n], its sign counts. Those that have fallen stay as they are.
  void push(const elbo::Tensor& force) {
    constexpr double kGravity = 9.8, kPole = 0.1, kMass = 1.1, kHalf = 0.5, kStep = 0.02;
    before_ = picture();
    const auto v = state_.select(1, 1), angle = state_.select(1, 2), turn = state_.select(1, 3);
    const auto sine = angle.sin(), cosine = angle.cos();
    const auto pushed = (10 * force.sign() + kPole * kHalf * turn.square() * sine) / kMass;
    const auto bend =
        (kGravity * sine - cosine * pushed) / (kHalf * (4.0 / 3 - kPole * cosine.square() / kMass));
    const auto speed = pushed - kPole * kHalf * bend * cosine / kMass;
    const auto change = torch::stack({v, speed, turn, bend}, 1);
    state_ = state_ + kStep * change * alive_.unsqueeze(1);
    const auto stands =
        (state_.select(1, 0).abs() < 2.4).logical_and(state_.select(1, 2).abs() < 12 * M_PI / 180);
    alive_ = alive_ * stands.to(torch::kFloat32);
  }

  /// [n] 1 = the pole stands.
  const elbo::Tensor& alive() const { return alive_; }
  /// [n, 2, side, side] in [0, 1]: the picture before the last push and the one after it.
  elbo::Tensor seen() const { return torch::stack({before_, picture()}, 1); }

 private:
  /// [n, side, side]: a bright cart and a pole, drawn with soft edges so that places between two
  /// pixels show.
  elbo::Tensor picture() const {
    const auto place = torch::arange(kSide).to(torch::kFloat32);
    const auto column = place.view({1, 1, -1}), row = place.view({1, -1, 1});
    const auto middle = ((state_.select(1, 0) / 2.4 + 1) / 2 * (kSide - 1)).view({-1, 1, 1});
    const auto soft = [](const elbo::Tensor& distance) {
      return (0.5 - distance).clamp(-1, 1) / 2 + 0.5;
    };
    const auto cart = soft((column - middle).abs() - 3) * soft((row - 26).abs() - 1.5);
    // The angle is shown three times as large: twelve degrees are four pixels.
    const auto slope = (3 * state_.select(1, 2)).tan().view({-1, 1, 1});
    const auto up = 25 - row;
    const auto pole = soft((column - middle - slope * up).abs() - 0.7) *
                      (up > 0).logical_and(up < 20).to(torch::kFloat32);
    return torch::maximum(cart, pole);
  }

  elbo::Tensor state_;  // [n, 4] place, speed, angle, turning
  elbo::Tensor alive_, before_;
};
