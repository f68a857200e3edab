#pragma once

// Every tolerance of the tests, with the reason for its size.

/// Golden values are float64 from SciPy; a dozen operations lose a few of sixteen digits.
constexpr double kGoldenDouble = 1e-10;
/// The same in float32: seven digits, of which lgamma and differences lose two.
constexpr double kGoldenFloat = 1e-5;
/// Central differences in float64 are good to about the cube root of epsilon squared.
constexpr double kFiniteDifference = 1e-7;
/// A fused kernel in float32 against the readable form in float64: rounding of sums over a row.
constexpr double kFused = 2e-6;
/// A trapezoid on a fine grid against 1: the grid's own error.
constexpr double kIntegral = 1e-4;
/// Monte Carlo means lie within five of their standard errors: a false alarm in 2 million.
constexpr double kStandardErrors = 5;
/// The false-alarm rate of a goodness-of-fit test at a fixed seed.
constexpr double kChiSquare = 1e-6;
/// A fused layer in float32 against float64, relative to the largest value: sums of some hundred
/// products and exponentials good to a few units in the last place.
constexpr double kLayerFloat = 5e-6;
/// Mean and variance after a normalisation whose epsilon is 1e-5, in float32.
constexpr double kUnitMoments = 1e-4;
/// Bounds of one model estimated with the same draws: their Monte Carlo error on 2,000 rows.
constexpr double kMonteCarloNats = 0.005;
/// The ELBO of a trained linear model against probabilistic PCA's optimum, as promised.
constexpr double kPpcaNats = 0.02;
/// 4,000 importance draws twice, averaged over 50 rows of an untrained model.
constexpr double kImportanceBlocksNats = 0.1;
