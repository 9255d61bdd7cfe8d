"""The gap of expected outputs."""

import torch

from align.metrics.base import Aggregate, Explained, Pairs, Values


def output_gap(explained: Explained) -> dict[str, Values]:
    """Return ‖E_T[p] − E_S[p]‖₂, with expectations over the pairs, so over the same objects; lower is better."""
    pairs = explained.pairs
    return {} if pairs is None else {"output_gap": Aggregate(mean_gap(pairs), len(pairs.indices))}


def mean_gap(pairs: Pairs) -> float:
    """Return the length of the difference of the mean probabilities in the target and in the source domain."""
    difference = pairs.probabilities.mean(0) - pairs.source_probabilities.mean(0)
    return float(torch.linalg.vector_norm(difference))
