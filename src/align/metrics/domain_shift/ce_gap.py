"""The gap of the cross-entropy, and its bound by lemma 3."""

import torch

from align.metrics.base import Aggregate, Explained, Values


def ce_gap(explained: Explained) -> dict[str, Values]:
    """Return Δ_CE = |CE_T − CE_S| over the pairs, ε = ‖p(x) − p(x′)‖₂ of each, C, and the bound C·ε (of the mean ε).

    Lemma 3 (arXiv:2511.06944): Δ_CE ≤ C·ε, with a small ε where the model is not sensitive to the background. The paper does
    not give C. Here it is the Lipschitz constant of −log on the probabilities that occur: 1 / min p_y over the pairs of both
    domains. With it the bound always holds, so only its width tells something. A p_y of 0 counts as the smallest positive number.
    """
    pairs = explained.pairs
    if pairs is None:
        return {}
    both = torch.stack((pairs.probabilities, pairs.source_probabilities))
    class_probabilities = both.double().gather(2, pairs.labels.expand(2, -1)[..., None]).clamp_min(torch.finfo(both.dtype).tiny)
    target, source = class_probabilities.log().mean((1, 2))
    constant = 1 / class_probabilities.min().item()
    n = len(pairs.indices)
    return {
        "ce_gap": Aggregate((target - source).abs().item(), n),
        "output_distance": explained.scatter(pairs.output_distances, pairs.indices),
        "ce_gap_constant": Aggregate(constant, n),
        "ce_gap_bound": Aggregate(constant * pairs.output_distances.mean().item(), n),
    }
