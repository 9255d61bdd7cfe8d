"""Pairs of images of two domains that show the same object."""

from collections.abc import Sequence

import torch

from align.metrics.base import Explained, Pairs


def find_pairs(target: Explained, target_paths: Sequence[str], source: Explained, source_paths: Sequence[str]) -> Pairs | None:
    """Return the pairs of images of a target domain and a source domain, None where there is no pair.

    Two images are a pair where their paths differ only in the first folder, their domain: see ``Dataset.paired``.

    Args:
        target: the N images of the target domain.
        target_paths: N paths relative to the data set's root.
        source: the M images of the source domain, for the same model and on the same device.
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
