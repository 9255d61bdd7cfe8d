"""The trained models of one setting, and the images that they are tested on."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from align.methods.base import Method
from align.metrics.evaluation import tested_images
from align.preparation.packed import Packed, PackedFolders
from align.training.run import RunSettings, restore


class ComparedModels(NamedTuple):
    """Models that were trained on the same domains.

    Attributes:
        models: each method's model, in evaluation mode.
        classes: the names of the classes, in the order of the labels.
        tested: the tested images of each target domain.
    """

    models: dict[str, Method]
    classes: Sequence[str]
    tested: dict[str, Packed]


def compared_models(
    runs: Mapping[str, Mapping[str, Any]],
    checkpoints: Iterable[str],
    splits: str,
    folders: PackedFolders,
    domains: Sequence[str],
    source_domains: Sequence[str],
    target_part: str,
    device: torch.device,
) -> ComparedModels:
    """Return the models of runs with the images that they are tested on.

    Args:
        runs: the settings of each method's run, as plain values.
        checkpoints: the runs' checkpoints, in the same order.
        splits: the data set's ``splits.csv``.
        folders: where its packed arrays are.
        domains: the target domains.
        source_domains: the domains that the models were trained on.
        target_part: see :func:`align.metrics.evaluation.tested_images`.
        device: where the models compute.
    """
    models = {}
    for (method, settings), checkpoint in zip(runs.items(), checkpoints):
        models[method], classes = restore(RunSettings.from_values(settings), Path(checkpoint), device)
    tested = dict(tested_images(Path(splits), folders, domains, source_domains, classes, target_part))
    return ComparedModels(models, classes, {domain: tested[domain] for domain in domains})
