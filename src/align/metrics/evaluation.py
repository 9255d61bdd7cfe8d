"""The evaluation of one run, on the test images of every domain."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import torch

from align.errors import InputError
from align.methods.base import Method
from align.metrics.base import Explained, Metric
from align.metrics.domain_shift.pairing import find_pairs
from align.metrics.evaluate import image_table, measure, measurements
from align.metrics.explain import Attribution, explain
from align.metrics.settings import EvaluationSettings
from align.preparation.listing import SPLITS_COLUMNS, read_listing
from align.preparation.packed import Packed, PackedFolders, read_packed
from align.preparation.splits import evaluated_split
from align.registry import load


class Evaluation(NamedTuple):
    """What is measured of a run, and how.

    Attributes:
        settings: how finely.
        metrics: the functions that measure.
        attribution: gives the saliency maps.
        domains: the target domains.
        paired: whether images of the same path in two domains show the same object.
    """

    settings: EvaluationSettings
    metrics: Sequence[Metric]
    attribution: Attribution
    domains: Sequence[str]
    paired: bool

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Evaluation":
        """Return the evaluation that plain ``values`` describe: evaluation, metrics, attribution, domains and paired."""
        settings = EvaluationSettings(**values["evaluation"])
        metrics = [load(name) for name in values["metrics"]]
        return cls(settings, metrics, load(values["attribution"]), values["domains"], values["paired"])


def tested_images(
    splits: Path,
    folders: PackedFolders,
    domains: Sequence[str],
    source_domains: Sequence[str],
    classes: Sequence[str],
    target_part: str,
    given_masks: str | None = None,
) -> Iterator[tuple[str, Packed]]:
    """Yield each domain with the images on which a model of ``source_domains`` is tested. The first source domain comes first.

    Args:
        splits: the data set's ``splits.csv``.
        folders: where its packed arrays are.
        domains: the target domains.
        source_domains: the domains that the model was trained on.
        classes: names of the classes in the order of the labels.
        target_part: what is tested of other domains if there is no test split, see ``EvaluationSettings``.
        given_masks: whose masks the method is given, see :func:`align.preparation.packed.read_packed`.
    """
    listed = read_listing(splits, SPLITS_COLUMNS)
    for domain in sorted(domains, key=lambda domain: domain != source_domains[0]):
        split = evaluated_split(listed, domain, source_domains, target_part)
        yield domain, read_packed(folders, listed, domain, split, classes, given_masks)


def evaluate_run(
    method: Method,
    tested: Iterator[tuple[str, Packed]],
    classes: Sequence[str],
    evaluation: Evaluation,
    device: torch.device,
    checkpoint: str,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure a trained method on every domain.

    Where images are paired, those of the first domain are the reference of all others: the same objects on another background.

    Args:
        method: in evaluation mode, on ``device``.
        tested: each domain with its images.
        classes: names of the classes in the order of the labels.
        evaluation: what is measured, and how.
        device: where to compute.
        checkpoint: the run's file, for messages.

    Returns:
        Each measure's mean over the images of a domain: target_domain, metric, value and n. And a row for each image.

    Raises:
        InputError: a probability or a saliency map has a value that is no number. The message names the run and the image.
    """
    rows: list[dict[str, Any]] = []
    images: list[pd.DataFrame] = []
    reference: tuple[Explained, Sequence[str]] | None = None
    for domain, packed in tested:
        try:
            explained = explain(method, evaluation.attribution, packed, evaluation.settings, device)
            if reference:
                explained = replace(explained, pairs=find_pairs(explained, packed.paths, *reference))
            elif evaluation.paired:
                reference = explained, packed.paths
            values = measure(explained, evaluation.metrics)
        except InputError as error:
            raise InputError(f"{checkpoint}: {error}") from None
        rows += [{"target_domain": domain, **measurement} for measurement in measurements(values)]
        images.append(image_table(packed, explained, values, classes).assign(target_domain=domain))
    return pd.DataFrame(rows), pd.concat(images)
