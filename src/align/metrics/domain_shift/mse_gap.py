"""The gap of the mean squared error, and the bound that lemma 2 gives."""

import torch.nn.functional as F
from torch import Tensor

from align.metrics.base import Aggregate, Explained, Values
from align.metrics.domain_shift.output_gap import gap_of_means

FACTOR = 4  # lemma 2's


def mse_gap(explained: Explained) -> dict[str, Values]:
    """Return |MSE_T − MSE_S| over the pairs, lemma 2's bound 4·‖E_T[p] − E_S[p]‖₂, and whether it holds (1 or 0).

    Lemma 2 (arXiv:2511.06944), with the error ‖p − y‖², y one-hot (Brier's score), for its scalar output. That it holds is a
    finding: errors that are opposite in two halves of a sample cancel in the expected outputs and not in the error. What
    always holds is 2√2·E‖p(x) − p(x′)‖₂, since ‖p + p′ − 2y‖₂ ≤ 2√2.
    """
    pairs = explained.pairs
    if pairs is None:
        return {}
    n = len(pairs.indices)
    gap = abs(brier(pairs.probabilities, pairs.labels) - brier(pairs.source_probabilities, pairs.labels)).item()
    bound = FACTOR * gap_of_means(pairs)
    return {
        "mse_gap": Aggregate(gap, n),
        "mse_gap_bound": Aggregate(bound, n),
        "mse_gap_bound_holds": Aggregate(float(gap <= bound), n),
    }


def brier(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Return the mean ‖p − y‖² of probabilities N×K and labels N."""
    return (probabilities - F.one_hot(labels, probabilities.shape[1])).square().sum(1).mean()
