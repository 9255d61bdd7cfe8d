"""The gap of the cross-entropy, and the bound that lemma 3 gives."""

import torch

from align.metrics.base import Aggregate, Explained, Values


def ce_gap(explained: Explained) -> dict[str, Values]:
    """Return Δ_CE = |CE_T − CE_S| over the pairs, ε = ‖p(x) − p(x′)‖₂ of each, C, and the bound C·ε (of the mean ε).

    Lemma 3 (arXiv:2511.06944): Δ_CE ≤ C·ε, ε small where the model is not sensitive to the background. The paper's C is not
    known; here it is the Lipschitz constant of −log on what occurs, 1 / min p_y over both domains' pairs, with which the bound
    always holds: what tells is how wide it is. A p_y of 0 counts as the smallest positive number.
    """
    pairs = explained.pairs
    if pairs is None:
        return {}
    both = torch.stack((pairs.probabilities, pairs.source_probabilities))
    of_class = both.double().gather(2, pairs.labels.expand(2, -1)[..., None]).clamp_min(torch.finfo(both.dtype).tiny)
    target, source = of_class.log().mean((1, 2))
    constant = 1 / of_class.min().item()
    n = len(pairs.indices)
    return {
        "ce_gap": Aggregate((target - source).abs().item(), n),
        "output_distance": explained.among_all(pairs.output_distances, pairs.indices),
        "ce_gap_constant": Aggregate(constant, n),
        "ce_gap_bound": Aggregate(constant * pairs.output_distances.mean().item(), n),
    }
