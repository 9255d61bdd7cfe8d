"""The gap of the mean squared error, and its bound by lemma 2."""

import torch.nn.functional as F
from torch import Tensor

from align.metrics.base import Aggregate, Explained, Values
from align.metrics.domain_shift.output_gap import mean_gap

FACTOR = 4  # of lemma 2


def mse_gap(explained: Explained) -> dict[str, Values]:
    """Return |MSE_T − MSE_S| over the pairs, lemma 2's bound 4·‖E_T[p] − E_S[p]‖₂, and whether it holds (1 or 0).

    Lemma 2 (arXiv:2511.06944) is about a scalar output. Here the error is ‖p − y‖² with y one-hot (Brier's score). The bound need
    not hold: opposite changes in two halves of a sample cancel in the expected outputs, but not in the error. The bound
    2√2·E‖p(x) − p(x′)‖₂ always holds, since ‖p + p′ − 2y‖₂ ≤ 2√2.
    """
    pairs = explained.pairs
    if pairs is None:
        return {}
    n = len(pairs.indices)
    gap = abs(brier(pairs.probabilities, pairs.labels) - brier(pairs.source_probabilities, pairs.labels)).item()
    bound = FACTOR * mean_gap(pairs)
    return {
        "mse_gap": Aggregate(gap, n),
        "mse_gap_bound": Aggregate(bound, n),
        "mse_gap_bound_holds": Aggregate(float(gap <= bound), n),
    }


def brier(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Return the mean ‖p − y‖² of probabilities N×K and labels N."""
    return (probabilities - F.one_hot(labels, probabilities.shape[1])).square().sum(1).mean()
