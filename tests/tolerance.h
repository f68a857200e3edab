#pragma once

// Every tolerance of the tests, with the reason for its size.

/// A series in float64 against the C library's function, relative: some ten roundings.
constexpr double kExactFunction = 4e-15;
/// Bits of symbols against -log2 p: frequencies of 24 bits.
constexpr double kSymbolShare = 0.002;
/// Bits of rows by bits back against the bound estimated with other draws of 64 rows.
constexpr double kBitsBackShare = 0.05;
/// A bound whose posterior is exact: what 1,500 steps of Adam leave, in float32.
constexpr double kExactNats = 1e-3;
/// The ELBO of the same by 32 draws: their noise.
constexpr double kRefinedNats = 0.3;
/// Mean of 20 rows by 64 annealed chains each.
constexpr double kAnnealedNats = 0.02;
/// Golden values are float64 from SciPy; a dozen operations lose a few of sixteen digits.
constexpr double kGoldenDouble = 1e-10;
/// The same in float32: seven digits, of which lgamma and differences lose two.
constexpr double kGoldenFloat = 1e-5;
/// Central differences in float64 are good to about the cube root of epsilon squared.
constexpr double kFiniteDifference = 1e-7;
/// A fused kernel in float32 against the readable form in float64: rounding of sums over a row.
constexpr double kFused = 2e-6;
/// Second derivatives in float32 through 1/l² next to l = 0.1, where a series takes over.
constexpr double kSecondDerivativeFloat = 1e-4;
/// A trapezoid on a fine grid against 1: the grid's own error.
constexpr double kIntegral = 1e-4;
/// Monte Carlo means lie within five of their standard errors: a false alarm in 2 million.
constexpr double kStandardErrors = 5;
/// The false-alarm rate of a goodness-of-fit test at a fixed seed.
constexpr double kChiSquare = 1e-6;
/// A fused layer in float32 against float64, relative to the largest value: sums of some hundred
/// products and exponentials good to a few units in the last place.
constexpr double kLayerFloat = 5e-6;
/// A convolution by way of tiles of 4x4 places: its transforms multiply by up to 8, and cancel.
constexpr double kTiledFloat = 2e-5;
/// Mean and variance after a normalisation whose epsilon is 1e-5, in float32.
constexpr double kUnitMoments = 1e-4;
/// Bounds of one model estimated with the same draws: their Monte Carlo error on 2,000 rows.
constexpr double kMonteCarloNats = 0.005;
/// The ELBO of a trained linear model against probabilistic PCA's optimum, as promised.
constexpr double kPpcaNats = 0.02;
/// 4,000 importance draws twice, averaged over 50 rows of an untrained model.
constexpr double kImportanceBlocksNats = 0.1;
/// A statistic in float32 over some hundred terms against the same sums in float64.
constexpr double kFloatSums = 1e-4;
/// Sliced distance of 4,000 draws on 2,000 directions: 2 % of a shift, 1 % of the directions.
constexpr double kSlicedShare = 0.06;
/// Parts of a KL from 2,000 draws of one row each, whose deviation is about one nat.
constexpr double kKlPartsNats = 0.08;
/// Central differences of a float32 loss along one direction, relative.
constexpr double kFloatDifference = 0.02;
/// Power iteration, ten steps at a ratio of singular values of two: 2^-20 of a squared value and
/// float32.
constexpr double kPowerIteration = 1e-3;
/// A controlled KL on toy data: the controller still swings, and one batch's KL is noisy.
constexpr double kControlShare = 0.1;
/// A density ratio learned in 800 steps from 4,096 rows.
constexpr double kDensityRatioNats = 0.12;
/// A latent after some hundred steps of small networks, against the entropy of the data: far less
/// than the nats that a model without latents would lose (builtin:codes: 2.1 nats or more).
constexpr double kShortTrainingNats = 0.7;
/// A model fitted to the training rows may beat the true density on 500 test rows by chance.
constexpr double kModelBeatsTruthNats = 0.05;
/// A flow step there and back in float64, and its Jacobian: root finding to 56 halvings.
constexpr double kRoundTrip = 1e-5;
/// A chain of flow steps there and back in float32: an inverse magnifies rounding by its slopes.
constexpr double kFloatRoundTrip = 5e-3;
/// Central differences of a root that is found to sixteen digits, with steps of 1e-5.
constexpr double kFiniteDifferenceRoot = 1e-5;
/// log I_v by Debye's expansion from order 50 on, to its fourth term: 50^-5, and differences.
constexpr double kBessel = 1e-8;
/// A sum over 200 x 200 cells of a plane, and the tails of a Student's t beyond it.
constexpr double kPlaneIntegral = 2e-3;
/// Our exponential in float32, relative: a unit in the last place, measured 0.9e-7.
constexpr double kFastExp = 1.2e-7;
/// Moments of 256 codes that a distance or a critic holds to the prior: their own error is 0.06.
constexpr double kCodeMoments = 0.3;
/// Samples of a small adversarial model on a ring of radius 2.
constexpr double kRing = 0.5;
/// Metrics and tails in float64 against the same definitions in other words.
constexpr double kDoubleSums = 1e-10;
/// A quantile of the tail of 20,000 draws, relative: what its scale and shape leave open.
constexpr double kTailFit = 0.05;
/// Ten shuffles of 4,000 scores: five standard errors.
constexpr double kRandomScore = 0.02;
/// Mean false-alarm rate of 200 thresholds from 300 rows each: four standard errors, and the bias
/// of order 1/300 that quantiles have.
constexpr double kFalseAlarmRate = 0.004;
/// Metrics of fixed arrays in float64 against scikit-learn's, SciPy's and NumPy's.
constexpr double kGoldenMetric = 1e-4;
/// What two independent random factors of 600 rows seem to tell of each other.
constexpr double kRandomFactors = 0.02;
/// A chain of noise against the normal that it stands for: its last step leaves e^-8 of each number
/// out, its first e^-5.
constexpr double kChainNats = 0.02;
/// Probabilities of a few states by 20,000 importance draws each.
constexpr double kMonteCarloShare = 0.02;
/// A recurrent model of 48 numbers after 150 steps: a quarter of what it has to learn.
constexpr double kSeriesNats = 10;
/// A KL of some nats estimated with one draw for each of 200 rows, relative.
constexpr double kOneDrawOf200Rows = 0.1;
/// What a second stage's prior gains in 400 steps over a standard normal, of about a nat in all.
constexpr double kSecondStageNats = 0.1;
/// Floats that were written with six digits behind the point.
constexpr double kPrintedFloats = 2e-6;
/// A conditional mean from 40,000 importance draws, of which some hundred count, deviation 0.5.
constexpr double kCompletion = 0.15;
/// Means of 2,000 heights of deviation 6.5 about 170: five standard errors, relative.
constexpr double kCensusMean = 0.005;
/// What 60 steps on a table of ten columns gain at the very least.
constexpr double kLearnedNats = 0.5;
/// 5,000 importance draws against an exact evidence, averaged over 40 rows: as promised.
constexpr double kEvidenceNats = 0.01;
/// Golden values that are kept to nine decimals.
constexpr double kNineDecimals = 1e-9;
/// Spearman's correlation of 1,250 shuffled blocks with the order of the file: 3.5 standard errors.
constexpr double kBlockRankCorrelation = 0.1;
/// Chi-square per degree of freedom of class counts in batches of 100 out of windows of 512 blocks,
/// each block of one class: 1 for the batch and 0.2 for the window's own share of a class.
constexpr double kBlockClassSpread = 1.5;
/// A model of sentences of nine nats after 160 steps: an untrained one is ten nats off.
constexpr double kTextNats = 1;
/// A gradient of order one as a float32 mean over 1,000 rows.
constexpr double kRowsGradient = 5e-5;
/// Operands of eight significant bits through four layers, of the largest value.
constexpr double kBf16Relative = 0.03;
/// The loss after 20 steps by such products: their errors are as often up as down.
constexpr double kBf16Loss = 0.005;
