"""Which images of two domains show the same object."""

from collections.abc import Sequence

import torch

from align.metrics.base import Explained, Pairs


def pairs_of(target: Explained, target_paths: Sequence[str], source: Explained, source_paths: Sequence[str]) -> Pairs | None:
    """Return the pairs of a target domain's images with those of a source domain, None where there is none.

    Two images are a pair where their paths differ in the first folder alone, their domain: see ``Dataset.paired``.

    Args:
        target: the target domain's N images.
        target_paths: N paths relative to the data set's root.
        source: the source domain's M images of the same model, on the same device.
        source_paths: M paths.
    """
    places = {_below_domain(path): place for place, path in enumerate(source_paths)}
    found = [(place, places[scene]) for place, scene in enumerate(map(_below_domain, target_paths)) if scene in places]
    if not found:
        return None
    indices, partners = torch.tensor(found, device=target.labels.device).T
    return Pairs(
        indices=indices,
        labels=target.labels[indices],
        probabilities=target.probabilities[indices],
        source_probabilities=source.probabilities[partners],
        input_distances=torch.linalg.vector_norm(target.images[indices] - source.images[partners], dim=(1, 2, 3)),
    )


def _below_domain(path: str) -> str:
    return path.split("/", 1)[1]
