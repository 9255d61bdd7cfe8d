"""Local Lipschitz constants."""

import torch

from align.metrics.base import UNDEFINED, Aggregate, Explained, Values


def local_lipschitz(explained: Explained) -> dict[str, Values]:
    """Return ‖p(x) − p(x′)‖₂ / ‖x − x′‖₂ of each pair, their 95th percentile and their maximum; lower is better.

    Lemma 1 (arXiv:2511.06944): a model that does not rely on the background has a smaller Lipschitz constant under a domain
    shift. x and x′ show the same object on two backgrounds, as the network takes them. The maximum is the smallest constant that
    holds for these pairs. The quotient is undefined for a pair of equal images.
    """
    pairs = explained.pairs
    if pairs is None:
        return {}
    slopes = torch.where(pairs.input_distances > 0, pairs.output_distances / pairs.input_distances, torch.nan)
    defined = slopes[~slopes.isnan()]
    n = len(defined)
    return {
        "local_lipschitz": explained.scatter(slopes, pairs.indices),
        "local_lipschitz_95": Aggregate(defined.quantile(0.95).item(), n) if n else UNDEFINED,
        "local_lipschitz_maximum": Aggregate(defined.max().item(), n) if n else UNDEFINED,
    }
