"""The AUC as a mean over images.

The AUC of a class is the mean placement value of its images: the share of the other images that rank below it. It is the mean
over the other images too, of the share of the class's images that rank above (DeLong, DeLong and Clarke-Pearson, Biometrics 44,
1988). How far an image's placement is from the AUC says how far the image moves it. So each image gets the AUC plus this
distance, stretched by how few images its group has. The mean of these values is the AUC, and their variance over the number of
images is DeLong's variance of it, exactly.
"""

import numpy as np
import numpy.typing as npt

from align.statistics.crossed_variance import Array


def auc_values(probabilities: Array, labels: npt.NDArray[np.int64]) -> Array:
    """Return values of single images whose mean is the macro one-vs-rest ROC-AUC of the classes that occur; ties count half.

    Args:
        probabilities: S×N×K, without NaN.
        labels: N, in 0…K−1, of two classes or more.

    Returns:
        S×N. If a class has a single image, the values say nothing about its part of the spread.
    """
    classes = np.unique(labels)
    values = [[_class_values(scores[:, c], labels == c) for scores in probabilities] for c in classes]
    return np.asarray(np.mean(values, axis=0))


def _class_values(scores: Array, positive: npt.NDArray[np.bool_]) -> Array:
    """Return the values of N images for the AUC of one class, whose images are ``positive``."""
    placements = np.empty(len(scores))
    placements[positive] = _share_below(scores[positive], scores[~positive])
    placements[~positive] = 1 - _share_below(scores[~positive], scores[positive])
    auc = placements[positive].mean()
    return np.asarray(auc + np.where(positive, _stretch(positive), _stretch(~positive)) * (placements - auc))


def _share_below(scores: Array, others: Array) -> Array:
    """Return for each score the share of ``others`` that are below it. Equal ones count half."""
    ordered = np.sort(others)
    below, not_above = (np.searchsorted(ordered, scores, side) for side in ("left", "right"))
    return np.asarray((below + not_above) / (2 * len(others)))


def _stretch(group: npt.NDArray[np.bool_]) -> float:
    """Return √(N (N − 1) / n (n − 1)) for n images of a group among N. A group of one has no spread that could be stretched."""
    n, members = len(group), int(group.sum())
    return float((n * (n - 1) / (members * (members - 1))) ** 0.5) if members > 1 else 1.0
