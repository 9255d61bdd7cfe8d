"""The area under the receiver operating characteristic."""

import torch
import torch.nn.functional as F
from torch import Tensor

from align.metrics.base import UNDEFINED, Aggregate, Explained, Values


def auc(explained: Explained) -> dict[str, Values]:
    """Return the macro average of the one-vs-rest ROC-AUC over the classes that occur, and the number of these classes.

    As scikit-learn's ``roc_auc_score`` for each class against the rest. With fewer than two classes it is undefined.
    """
    is_class = F.one_hot(explained.labels, explained.probabilities.shape[1]).T.bool()
    occurring = is_class.any(dim=1)
    classes = int(occurring.sum())
    n = len(explained.labels)
    if classes < 2:
        return {"auc": UNDEFINED, "auc_classes": Aggregate(classes, n)}
    values = areas(explained.probabilities.T[occurring], is_class[occurring])
    return {"auc": Aggregate(values.mean().item(), n), "auc_classes": Aggregate(classes, n)}


def areas(scores: Tensor, positives: Tensor) -> Tensor:
    """Return the share of pairs of a positive and a negative in which the positive scores higher, ties counting half.

    This share is the ROC-AUC. Ranks count the pairs (Mann and Whitney, Annals of Mathematical Statistics 18(1), 1947).

    Args:
        scores: K×N.
        positives: K×N, bool; each row has positives and negatives.

    Returns:
        K, float64.
    """
    scores = scores.contiguous()
    ordered = scores.sort(dim=1).values
    below, not_above = (torch.searchsorted(ordered, scores, right=right) for right in (False, True))
    ranks = (below + not_above + 1).double() / 2  # from 1; equal scores share the mean of their ranks
    n = positives.sum(dim=1)
    ordered_pairs = (ranks * positives).sum(dim=1) - n * (n + 1) / 2
    return ordered_pairs / (n * (scores.shape[1] - n))
