"""Paired differences between methods, on the same test images and with the same seeds for both.

A statistic is computed for each seed, on all images and on many bootstrap draws of the images. A draw takes as many images as
there are, with replacement. All methods and seeds of a target share the same draws. Seeds are drawn with replacement too,
crossed with images (Owen, Annals of Applied Statistics 1(2), 2007: the pigeonhole bootstrap of two-way data).

Percentiles of such draws are far too narrow with three to five seeds: three seeds agree by chance in a quarter of all cases.
So the bootstrap gives the variance only. It underestimates the seeds' part of the variance of S seeds by 1/S, which is added.
The quantiles are Student's, with the degrees of freedom of Satterthwaite (Biometrics Bulletin 2, 1946): S − 1 where the spread
comes from seeds, many where it comes from images.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

DRAWS = 2000  # the standard error's own error is then 1.6 %
SEED = 0
CONFIDENCE = 0.95
UNDEFINED_DRAWS = 0.05  # with a larger share of draws without a value, there are too few images of a class for an interval

Array = npt.NDArray[np.float64]


class Sample(NamedTuple):
    """A statistic of S runs that differ by their seed.

    Attributes:
        by_seed: S, on all images.
        by_draw: B×S, on each draw of images; NaN where it is undefined.
    """

    by_seed: Array
    by_draw: Array

    def minus(self, other: "Sample") -> "Sample":
        """Return the difference from ``other``, seed by seed and draw by draw."""
        return Sample(self.by_seed - other.by_seed, self.by_draw - other.by_draw)


class Estimate(NamedTuple):
    """A mean over seeds, its 95 % interval, and the two-sided p-value of the hypothesis that it is zero.

    Interval and p-value are NaN if there are too few images for them.
    """

    value: float
    low: float
    high: float
    p: float

    def without_interval(self) -> "Estimate":
        """Return the mean only, with NaN for the rest."""
        return Estimate(self.value, np.nan, np.nan, np.nan)


def named_generator(*names: str) -> np.random.Generator:
    """Return a generator with a seed of its own for these names, so that another data set leaves these draws unchanged."""
    return np.random.default_rng([SEED, *"/".join(names).encode()])


def draw_counts(n: int, generator: np.random.Generator) -> Array:
    """Return how often each of ``n`` items occurs in each of B draws of n with replacement: B×n."""
    return generator.multinomial(n, np.full(n, 1 / n), size=DRAWS).astype(float)


def bootstrap_means(values: Array, counts: Array) -> Sample:
    """Return the mean over images.

    Args:
        values: S×N, without NaN.
        counts: B×N, from :func:`draw_counts`.
    """
    return Sample(values.mean(axis=1), counts @ values.T / counts.sum(axis=1, keepdims=True))


def bootstrap_aucs(probabilities: Array, labels: npt.NDArray[np.int64], counts: Array) -> Sample:
    """Return the macro one-vs-rest ROC-AUC over the classes that occur; ties count half.

    Args:
        probabilities: S×N×K.
        labels: N, in 0…K−1.
        counts: B×N, from :func:`draw_counts`. A class that does not occur in a draw is left out of that draw. A draw of one class
            has no value.
    """
    weights = np.column_stack([np.ones(counts.shape[1]), counts.T])
    by_class = np.stack(
        [
            np.stack([_weighted_auc(scores[:, label], labels == label, weights) for scores in probabilities], axis=1)
            for label in np.unique(labels)
        ]
    )
    occurring = (~np.isnan(by_class)).sum(axis=0)
    macro = np.divide(np.nansum(by_class, axis=0), occurring, out=np.full(occurring.shape, np.nan), where=occurring > 0)
    return Sample(macro[0], macro[1:])


def average_samples(samples: Sequence[Sample]) -> Sample:
    """Return the mean of statistics of the same seeds."""
    return Sample(np.mean([s.by_seed for s in samples], axis=0), np.mean([s.by_draw for s in samples], axis=0))


def estimate(sample: Sample, generator: np.random.Generator) -> Estimate:
    """Return the mean over seeds with its interval; with one seed the interval covers the images' part only.

    Draws without a value are left out. If there are many of them, there is no interval.
    """
    seeds = len(sample.by_seed)
    value = float(sample.by_seed.mean())
    crossed = (sample.by_draw * draw_counts(seeds, generator)).mean(axis=1)
    undefined = np.isnan(crossed)
    if undefined.mean() > UNDEFINED_DRAWS:
        return Estimate(value, np.nan, np.nan, np.nan)
    crossed = crossed[~undefined]
    seed_variance = float(sample.by_seed.var(ddof=1)) / seeds if seeds > 1 else 0.0
    variance = float(crossed.var(ddof=1)) + seed_variance / seeds
    error = variance**0.5
    if error < 1e-9:  # nothing varies, rounding aside
        return Estimate(value, value, value, float(abs(value) < 1e-9))
    freedom = (seeds - 1) * (variance / seed_variance) ** 2 if seed_variance > 0 else np.inf
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * error
    return Estimate(value, value - reach, value + reach, float(2 * stats.t.sf(abs(value) / error, freedom)))


def _weighted_auc(scores: Array, positive: npt.NDArray[np.bool_], weights: Array) -> Array:
    """Return the AUC of each column of ``weights`` (N×B), NaN where a column has positives or negatives only: B.

    Σᵢⱼ wᵢ wⱼ ([sᵢ > sⱼ] + ½ [sᵢ = sⱼ]) / Σᵢⱼ wᵢ wⱼ over positives i and negatives j: the share of pairs in the right order. With
    the negatives sorted, the weight of those below each positive is a cumulative sum.
    """
    order = np.argsort(scores[~positive])
    cumulative = np.vstack([np.zeros(weights.shape[1]), weights[~positive][order].cumsum(axis=0)])
    below, not_above = (np.searchsorted(scores[~positive][order], scores[positive], side) for side in ("left", "right"))
    won = (cumulative[below] + cumulative[not_above]) / 2
    positive_weights = weights[positive]
    pairs = positive_weights.sum(axis=0) * cumulative[-1]
    ordered = (positive_weights * won).sum(axis=0)
    return np.asarray(np.divide(ordered, pairs, out=np.full(weights.shape[1], np.nan), where=pairs > 0))
