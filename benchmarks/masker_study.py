"""Maskers against one frozen classifier: the cheap part of docs/masker_study.md, before any classifier is guided.

An experiment of a configuration names the variants, as for the pipeline; the frozen classifier is the pipeline's own run of ERM:

    snakemake results/runs/<data set>/single_source/<domain>/erm/seed<seed>/checkpoint.pt --cores 1 --configfile <file>
    python -m benchmarks.masker_study <file> <experiment> <domain> <seed>

in one working directory. It writes results/masker_study/<experiment>_<domain>_seed<seed>.csv, a row for each variant, for ERM's
Grad-CAM, and for a map without content.
"""

import sys
import time
from collections.abc import Callable
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import yaml
from torch import Tensor

from align.attribution.grad_cam import grad_cam
from align.configuration.loading import load
from align.configuration.runs import variant_settings
from align.configuration.schema import Configuration
from align.files import whole_file
from align.imaging.resizing import resized
from align.masking.compositing import composite
from align.masking.fixed import centre_mask
from align.methods.align.masker_training import LearnedMasker, true_class_probability
from align.methods.align.references import REFERENCES
from align.methods.align.settings import ALIGNSettings
from align.metrics.base import descending_ranks
from align.metrics.localisation.energy_inside import share_inside
from align.metrics.localisation.pointing_game import hit
from align.models.classifier import Classifier
from align.preparation.listing import SPLITS_COLUMNS, read_listing
from align.preparation.packed import Packed, class_names, read_packed
from align.preparation.splits import evaluated_split
from align.training.batches import TrainingBatches
from align.training.images import on_device
from align.training.run import restore, seeded
from align.workflow.jobs import run_settings

AREAS = (0.1, 0.3, 0.5)  # at which masks of any size are compared
CPU = torch.device("cpu")
BATCH = 64

Maps = Callable[[Tensor, Tensor], Tensor]
"""Images N×3×H×W and labels N to maps N×h×w: masks, or saliency maps to compare them with."""


def main(file: str, experiment: str, domain: str, seed: int) -> None:
    content = yaml.safe_load(Path(file).read_text())
    content["experiments"] = {experiment: content["experiments"][experiment]}
    configuration = load(content, file)
    dataset = configuration.experiments[experiment].dataset
    folder = Path("results/data", dataset)
    splits = read_listing(folder / "splits.csv", SPLITS_COLUMNS)
    classes = class_names(splits, configuration.datasets[dataset].classes)
    values = configuration.model_dump() | {"hyper_parameters": {}}
    checkpoint = Path(f"results/runs/{dataset}/single_source/{domain}/erm/seed{seed}/checkpoint.pt")
    classifier = restore(run_settings("erm", values), checkpoint, CPU)[0].classifier
    training, validation = (read_packed(folder, splits, domain, split, classes) for split in ("train", "validation"))
    tested = {
        name: read_packed(folder, splits, name, evaluated_split(splits, name, [domain]), classes)
        for name in configuration.datasets[dataset].domains
    }
    rows = []

    def add(name: str, maps_of: Maps, **more: Any) -> None:
        found = judged(classifier, maps_of, validation, classes)
        found |= {f"{key}_{target}": value for target, packed in tested.items() for key, value in placed(maps_of, packed).items()}
        rows.append({"variant": name, **more, **found})
        print(name, {key: round(value, 3) for key, value in found.items()}, more, flush=True)
        with whole_file(Path(f"results/masker_study/{experiment}_{domain}_seed{seed}.csv")) as partial:
            pd.DataFrame(rows).to_csv(partial, index=False, float_format="%.4f")

    def of_erm(images: Tensor, labels: Tensor) -> Tensor:
        return grad_cam(classifier, images, classifier.features(images), labels)

    add("Grad-CAM of ERM", of_erm)
    add("centre", lambda images, labels: centre_mask(images).squeeze(1))
    for name, settings in variant_settings(configuration).items():
        if isinstance(settings, ALIGNSettings) and settings.masker == "learned":
            start = time.perf_counter()
            masker = trained(settings, classifier, configuration, training, seed)
            add(
                name, lambda images, labels, m=masker: m.soft_masks(images, classifier).squeeze(1), seconds=time.perf_counter() - start
            )


def trained(
    settings: ALIGNSettings, classifier: Classifier, configuration: Configuration, packed: Packed, seed: int
) -> LearnedMasker:
    """Return a masker after ``masker_steps`` of its own, on the batches that every variant is given."""
    masker = LearnedMasker(settings, classifier, seeded(seed, "method", CPU))
    split, generator = on_device([packed], CPU), seeded(seed, "batches", CPU)
    batches = TrainingBatches(split, configuration.training.batch_size, configuration.augmentation, generator)
    for batch in islice(chain.from_iterable(repeat(batches)), settings.masker_steps):
        masker.step(batch, classifier)
    return masker


@torch.no_grad()
def judged(classifier: Classifier, maps_of: Maps, packed: Packed, classes: list[str]) -> dict[str, float]:
    """Return what needs no true mask, means over classes: dist at equal areas, the map's area and its spread within an image.

    At each of ``AREAS`` that share of the pixels, those of the highest values, is kept or removed, all or nothing, the rest being
    zero or blurred; dist is the mean over areas and over both. So it depends on the order of a map's pixels only.
    """
    split, parts = on_device([packed], CPU), []
    for start in range(0, len(split.labels), BATCH):
        images, labels, *_ = split.part(slice(start, start + BATCH)).batch()
        maps = resized(maps_of(images, labels), images.shape[-2:])
        ranks = descending_ranks(maps)[:, None]
        columns = {"area": maps.mean((1, 2)), "spread": maps.std((1, 2), correction=0)}
        for kind in ("zero", "blur"):
            reference = REFERENCES[kind](images, labels, seeded(0, "reference", CPU))
            dists = []
            for area in AREAS:
                mask = (ranks < area * ranks[0].numel()).float()
                kept, removed = (
                    true_class_probability(classifier, composite(images, part, reference), labels) for part in (mask, 1 - mask)
                )
                dists.append(kept - removed)
            columns[f"dist_{kind}"] = torch.stack(dists).mean(0)
        parts.append(pd.DataFrame({key: column.numpy() for key, column in columns.items()}).assign(label=labels.numpy()))
    table = pd.concat(parts)
    table["dist"] = (table["dist_zero"] + table["dist_blur"]) / 2
    of_classes = table.groupby("label").mean()
    names = [classes[label] for label in of_classes.index]
    per_class = {f"{key} of {name}": value for key in ("area", "dist") for name, value in zip(names, of_classes[key])}
    return of_classes.mean()[["dist", "dist_zero", "dist_blur", "area", "spread"]].to_dict() | per_class


@torch.no_grad()
def placed(maps_of: Maps, packed: Packed) -> dict[str, float]:
    """Return the map's energy on the object and how often its maximum is there: reported, never chosen by."""
    if packed.ground_truth is None or not (packed.ground_truth == 1).any():
        return {}
    known = (packed.ground_truth == 1).any((1, 2)).nonzero()[0]
    some = Packed(packed.images[known], packed.labels[known], [], packed.ground_truth[known])
    split, parts = on_device([some], CPU), []
    for start in range(0, len(known), BATCH):
        images, labels, *_ = split.part(slice(start, start + BATCH)).batch()
        maps = resized(maps_of(images, labels), images.shape[-2:]).flatten(1)
        objects = torch.from_numpy(some.ground_truth[start : start + BATCH] == 1).flatten(1)
        parts.append(torch.stack((share_inside(maps, objects), hit(maps, objects), objects.float().mean(1)), 1))
    energy, pointing, area = torch.cat(parts).nanmean(0).tolist()
    return {"energy": energy, "pointing": pointing, "object": area}


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    main(*sys.argv[1:4], int(sys.argv[4]))
