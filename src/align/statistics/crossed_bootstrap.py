"""Statistics of paired comparisons: the same test images and the same seeds for both methods.

A statistic is known of each seed, on all images and on many draws of images with replacement. Images are drawn once for a
target, for all methods and seeds; seeds are drawn with replacement too, crossed with images (Owen, Annals of Applied
Statistics 1(2), 2007: the pigeonhole bootstrap of two-way data).

With three to five seeds, percentiles of such draws are far too narrow: three seeds agree by chance in a quarter of all cases.
So the bootstrap gives the variance, what a bootstrap of S seeds lacks of it, 1/S of their part, is added, and the quantiles are
Student's with the degrees of freedom of Satterthwaite (Biometrics Bulletin 2, 1946): S − 1 where seeds make the spread, many
where images do.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

DRAWS = 2000  # the standard error's own error is then 1.6 %
SEED = 0
CONFIDENCE = 0.95

Array = npt.NDArray[np.float64]


class Sample(NamedTuple):
    """A statistic of S runs that differ by their seed.

    Attributes:
        of_seeds: S, on all images.
        of_draws: B×S, on each draw of images.
    """

    of_seeds: Array
    of_draws: Array

    def minus(self, other: "Sample") -> "Sample":
        """Return the difference from ``other``, seed by seed and draw by draw."""
        return Sample(self.of_seeds - other.of_seeds, self.of_draws - other.of_draws)

    def times(self, factor: float) -> "Sample":
        """Return ``factor`` times the statistic."""
        return Sample(factor * self.of_seeds, factor * self.of_draws)


class Estimate(NamedTuple):
    """A mean over seeds, its 95 % interval, and the two-sided p-value of its being zero."""

    value: float
    low: float
    high: float
    p: float


def generator_of(*names: str) -> np.random.Generator:
    """Return the generator of what ``names`` name: a further claim or data set leaves the draws of the others as they are."""
    return np.random.default_rng([SEED, *"/".join(names).encode()])


def drawn(n: int, generator: np.random.Generator) -> Array:
    """Return how often each of ``n`` is drawn in each of B draws of n with replacement: B×n."""
    return generator.multinomial(n, np.full(n, 1 / n), size=DRAWS).astype(float)


def means(values: Array, draws: Array) -> Sample:
    """Return the mean over images.

    Args:
        values: S×N, without NaN.
        draws: B×N, from :func:`drawn`.
    """
    return Sample(values.mean(axis=1), draws @ values.T / draws.sum(axis=1, keepdims=True))


def aucs(probabilities: Array, labels: npt.NDArray[np.int64], draws: Array) -> Sample:
    """Return the macro one-vs-rest ROC-AUC over the classes that occur, ties counting half.

    Args:
        probabilities: S×N×K.
        labels: N, in 0…K−1.
        draws: B×N, from :func:`drawn`. A class that a draw lacks is left out of that draw.
    """
    weights = np.column_stack([np.ones(draws.shape[1]), draws.T])
    of_classes = [
        np.stack([_weighted_auc(of_seed[:, label], labels == label, weights) for of_seed in probabilities], axis=1)
        for label in np.unique(labels)
    ]
    macro = np.nanmean(of_classes, axis=0)
    return Sample(macro[0], macro[1:])


def average(samples: Sequence[Sample]) -> Sample:
    """Return the mean of statistics of the same seeds."""
    return Sample(np.mean([s.of_seeds for s in samples], axis=0), np.mean([s.of_draws for s in samples], axis=0))


def estimate(sample: Sample, generator: np.random.Generator) -> Estimate:
    """Return the mean over seeds with its interval; of one seed the interval is that of images alone."""
    seeds = len(sample.of_seeds)
    value = float(sample.of_seeds.mean())
    crossed = (sample.of_draws * drawn(seeds, generator)).mean(axis=1)
    of_seeds = float(sample.of_seeds.var(ddof=1)) / seeds if seeds > 1 else 0.0
    variance = float(crossed.var(ddof=1)) + of_seeds / seeds
    error = variance**0.5
    if error < 1e-9:  # nothing varies; rounding apart
        return Estimate(value, value, value, float(abs(value) < 1e-9))
    freedom = (seeds - 1) * (variance / of_seeds) ** 2 if of_seeds > 0 else np.inf
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
    of_positives = weights[positive]
    pairs = of_positives.sum(axis=0) * cumulative[-1]
    ordered = (of_positives * won).sum(axis=0)
    return np.asarray(np.divide(ordered, pairs, out=np.full(weights.shape[1], np.nan), where=pairs > 0))
