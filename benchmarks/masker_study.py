"""Trains maskers with one frozen classifier: the cheap part of docs/masker_study.md, before any classifier is guided.

An experiment of a configuration names the variants, as for the pipeline. The frozen classifier is the pipeline's run of ERM. Run
both commands in the same working directory:

    snakemake results/<name>/runs/<data set>/single_source/<domain>/erm/seed<seed>/checkpoint.pt --cores 1 --configfile <file>
    python -m benchmarks.masker_study <file> <experiment> <domain> <seed>

The second one writes results/masker_study/<experiment>_<domain>_seed<seed>.csv. It has a row for each variant, for ERM's
Grad-CAM, and for a Gaussian in the centre.
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

from align import paths
from align.attribution.grad_cam import grad_cam
from align.configuration.loading import load
from align.configuration.places import Places
from align.configuration.run import Run
from align.configuration.runs import variant_settings
from align.configuration.schema import Configuration
from align.files import whole_file
from align.imaging.resizing import resized
from align.masking.compositing import composite
from align.masking.fixed import centre_mask
from align.methods import METHODS
from align.methods.align.masker_training import LearnedMasker, true_class_probability
from align.methods.align.references import REFERENCES
from align.methods.align.settings import ALIGNSettings
from align.metrics.base import descending_ranks
from align.metrics.localisation.energy_inside import share_inside
from align.metrics.localisation.pointing_game import hit
from align.models.classifier import Classifier
from align.preparation.listing import SPLITS_COLUMNS, read_listing
from align.preparation.packed import Packed, PackedFolders, class_names, read_packed
from align.preparation.splits import evaluated_split
from align.training.batches import TrainingBatches
from align.training.images import on_device
from align.training.run import RunSettings, restore, seeded

AREAS = (0.1, 0.3, 0.5)  # shares of the pixels at which masks of any size are compared
CPU = torch.device("cpu")
BATCH = 64

Maps = Callable[[Tensor, Tensor], Tensor]
"""A function of images N×3×H×W and N labels that returns maps N×h×w: masks, or saliency maps to compare them with."""


def main(file: str, experiment: str, domain: str, seed: int) -> None:
    content = yaml.safe_load(Path(file).read_text())
    content["experiments"] = {experiment: content["experiments"][experiment]}
    configuration = load(content, file)
    dataset = configuration.experiments[experiment].dataset
    places = Places(configuration)
    files = [places.domains(pattern, dataset, [domain]) for pattern in (paths.IMAGES, paths.GROUND_TRUTH)]
    folders = PackedFolders.of(*files)
    splits = read_listing(Path(places.dataset(paths.SPLITS, dataset)), SPLITS_COLUMNS)
    classes = class_names(splits, configuration.datasets[dataset].classes)
    values = configuration.model_dump() | {"implementation": METHODS["erm"].implementation, "hyper_parameters": {}}
    checkpoint = Path(places.run(paths.CHECKPOINT, Run(dataset, "single_source", domain, "erm", seed)))
    classifier = restore(RunSettings.from_values(values), checkpoint, CPU)[0].classifier
    training, validation = (read_packed(folders, splits, domain, split, classes) for split in ("train", "validation"))
    part = configuration.evaluation.target_part
    tested = {
        name: read_packed(folders, splits, name, evaluated_split(splits, name, [domain], part), classes)
        for name in configuration.datasets[dataset].domains
    }
    rows = []

    def add(name: str, make_maps: Maps, **more: Any) -> None:
        found = scores_without_ground_truth(classifier, make_maps, validation, classes)
        for target, packed in tested.items():
            scores = scores_against_ground_truth(make_maps, packed)
            found |= {f"{key}_{target}": value for key, value in scores.items()}
        rows.append({"variant": name, **more, **found})
        print(name, {key: round(value, 3) for key, value in found.items()}, more, flush=True)
        with whole_file(Path(f"results/masker_study/{experiment}_{domain}_seed{seed}.csv")) as partial:
            pd.DataFrame(rows).to_csv(partial, index=False, float_format="%.4f")

    def erm_grad_cam(images: Tensor, labels: Tensor) -> Tensor:
        return grad_cam(classifier, images, classifier.features(images), labels)

    add("Grad-CAM of ERM", erm_grad_cam)
    add("centre", lambda images, labels: centre_mask(images).squeeze(1))
    for name, settings in variant_settings(configuration).items():
        if isinstance(settings, ALIGNSettings) and settings.masker == "learned":
            start = time.perf_counter()
            masker = trained(settings, classifier, configuration, training, seed)
            add(
                name,
                lambda images, labels, m=masker: m.soft_masks(images, classifier).squeeze(1),
                seconds=time.perf_counter() - start,
            )


def trained(
    settings: ALIGNSettings, classifier: Classifier, configuration: Configuration, packed: Packed, seed: int
) -> LearnedMasker:
    """Return a masker after ``masker_steps`` steps. Every variant trains on the same batches."""
    masker = LearnedMasker(settings, classifier, seeded(seed, "method", CPU))
    split, generator = on_device([packed], CPU), seeded(seed, "batches", CPU)
    batches = TrainingBatches(split, configuration.training.batch_size, configuration.augmentation, generator)
    for batch in islice(chain.from_iterable(repeat(batches)), settings.masker_steps):
        masker.step(batch, classifier)
    return masker


@torch.no_grad()
def scores_without_ground_truth(classifier: Classifier, make_maps: Maps, packed: Packed, classes: list[str]) -> dict[str, float]:
    """Return dist at equal areas, the area of the map, and its spread within an image, as means over classes.

    For each of ``AREAS``, this share of the pixels, those with the highest values, is kept or removed completely. Hidden pixels
    are zero or blurred. Dist is the mean over the areas and over both ways to hide. So it depends only on the order of the pixels
    in a map.
    """
    split, parts = on_device([packed], CPU), []
    for start in range(0, len(split.labels), BATCH):
        images, labels, *_ = split.part(slice(start, start + BATCH)).batch()
        maps = resized(make_maps(images, labels), images.shape[-2:])
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
    class_means = table.groupby("label").mean()
    names = [classes[label] for label in class_means.index]
    per_class = {f"{key} of {name}": value for key in ("area", "dist") for name, value in zip(names, class_means[key])}
    return class_means.mean()[["dist", "dist_zero", "dist_blur", "area", "spread"]].to_dict() | per_class


@torch.no_grad()
def scores_against_ground_truth(make_maps: Maps, packed: Packed) -> dict[str, float]:
    """Return the energy of the map on the object, the share of maxima on the object, and the object's area.

    The study reports these scores. It does not choose by them.
    """
    if packed.ground_truth is None or not (packed.ground_truth == 1).any():
        return {}
    known = (packed.ground_truth == 1).any((1, 2)).nonzero()[0]
    some = Packed(packed.images[known], packed.labels[known], [], packed.ground_truth[known])
    split, parts = on_device([some], CPU), []
    for start in range(0, len(known), BATCH):
        images, labels, *_ = split.part(slice(start, start + BATCH)).batch()
        maps = resized(make_maps(images, labels), images.shape[-2:]).flatten(1)
        objects = torch.from_numpy(some.ground_truth[start : start + BATCH] == 1).flatten(1)
        parts.append(torch.stack((share_inside(maps, objects), hit(maps, objects), objects.float().mean(1)), 1))
    energy, pointing, area = torch.cat(parts).nanmean(0).tolist()
    return {"energy": energy, "pointing": pointing, "object": area}


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    main(*sys.argv[1:4], int(sys.argv[4]))
