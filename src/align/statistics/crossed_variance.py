"""Paired differences between methods, on the same test images and with the same seeds for both.

The value of seed s on image i is a mean, an effect of the seed, an effect of the image, and a rest: a two-way layout with random
effects and one value in each cell (Searle, Casella and McCulloch, *Variance Components*, 1992, chapter 4). Of S seeds and N
images, the grand mean has the variance

    σ²_seed / S + σ²_image / N + σ²_rest / (S N).

The variance of the image means, over N, estimates the last two terms. The variance of the seed means, over S, estimates the
first and the last one. So their sum counts the rest twice, and the mean square of the rest, over S N, is subtracted once. This
is (MS_seed + MS_image − MS_rest) / (S N). By chance it can be smaller than one of the two variances that it contains. Then the
larger one of these takes its place. The quantiles are Student's, with the degrees of freedom of Satterthwaite (Biometrics
Bulletin 2, 1946) for the whole sum.

In simulations this form kept the level best. A sum of components that are cut off at zero takes seeds for harmless too often:
with three seeds it called a difference without a true one in up to 12 % of all cases.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

CONFIDENCE = 0.95
ROUNDING = 1e-9  # a standard error below it is none

Array = npt.NDArray[np.float64]


class Sample(NamedTuple):
    """What S networks, which differ by their seed, have on N test images. The statistic of a network is the mean over images.

    Attributes:
        source: the domain that the networks were trained on.
        target: the domain that the images are of.
        images: N names, each once.
        by_image: S×N values of single images, without NaN.
        fewest: the number of images that a spread can be taken from: N, or the number of images of the smallest class for
            AUC and macro accuracy.
    """

    source: str
    target: str
    images: npt.NDArray[np.str_]
    by_image: Array
    fewest: int

    def minus(self, other: "Sample") -> "Sample":
        """Return the difference from ``other``, which has the same seeds and images."""
        return self._replace(by_image=self.by_image - other.by_image)


class Estimate(NamedTuple):
    """A mean over seeds and settings, its 95 % interval, and the two-sided p-value of the hypothesis that it is zero.

    Interval and p-value are NaN if there are too few images for them.
    """

    value: float
    low: float
    high: float
    p: float


class _Term(NamedTuple):
    """An estimated part of a variance, and its degrees of freedom."""

    variance: float
    freedom: int


def estimate(samples: Sequence[Sample]) -> Estimate:
    """Return the mean over the settings of ``samples``, all of the same seeds. With one seed its interval covers images only.

    The seeds of one source are the same networks in all of its targets, and the images of one target are the same for all
    sources. So their effects are summed before they are squared. Networks of other sources and images of other targets are
    independent.
    """
    value = float(np.mean([sample.by_image.mean() for sample in samples]))
    if min(sample.fewest for sample in samples) < 2:
        return Estimate(value, np.nan, np.nan, np.nan)
    images, seeds, rest = (list(terms(samples)) for terms in (_image_terms, _seed_terms, _rest_terms))
    of_images, of_seeds, of_rest = (sum(term.variance for term in terms) for terms in (images, seeds, rest))
    variance = max(of_images + of_seeds - of_rest, of_images, of_seeds)
    error = variance**0.5
    if error < ROUNDING:
        return Estimate(value, value, value, float(abs(value) < ROUNDING))
    freedom = variance**2 / sum(term.variance**2 / term.freedom for term in (*images, *seeds, *rest))
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * error
    return Estimate(value, value - reach, value + reach, float(2 * stats.t.sf(abs(value) / error, freedom)))


def _image_terms(samples: Sequence[Sample]) -> Iterator[_Term]:
    """Yield the variance of the image means over the number of images, by target: the images' part, and the rest's."""
    for target in {sample.target: None for sample in samples}:
        shared = [sample for sample in samples if sample.target == target]
        means = [sample.by_image.mean(axis=0) for sample in shared]
        moves = [(mean - mean.mean()) / (len(mean) * (len(mean) - 1)) ** 0.5 for mean in means]
        _, image = np.unique(np.concatenate([sample.images for sample in shared]), return_inverse=True)
        by_image = np.bincount(image, np.concatenate(moves)) / len(samples)
        yield _Term(float((by_image**2).sum()), len(by_image) - 1)


def _seed_terms(samples: Sequence[Sample]) -> Iterator[_Term]:
    """Yield the variance of the seed means over the number of seeds, by source: the seeds' part, and the rest's."""
    for source in {sample.source: None for sample in samples}:
        by_seed = np.sum([s.by_image.mean(axis=1) for s in samples if s.source == source], axis=0) / len(samples)
        seeds = len(by_seed)
        if seeds > 1:
            yield _Term(float(by_seed.var(ddof=1)) / seeds, seeds - 1)


def _rest_terms(samples: Sequence[Sample]) -> Iterator[_Term]:
    """Yield the rest's part, by setting: other sources are other networks, and other targets other images."""
    for sample in samples:
        values = sample.by_image
        freedom = (values.shape[0] - 1) * (values.shape[1] - 1)
        if freedom:
            rest = values - values.mean(axis=0) - values.mean(axis=1, keepdims=True) + values.mean()
            yield _Term(float((rest**2).sum()) / freedom / values.size / len(samples) ** 2, freedom)
