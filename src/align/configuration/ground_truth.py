"""Checks the masks of a data set by names alone: their folders, domains, classes and files. No file is opened."""

from collections.abc import Collection, Sequence

from align.datasets.annotation_files import annotated_domains, find_annotations, require_annotations
from align.datasets.scan import list_images
from align.datasets.settings import Dataset, GroundTruth
from align.errors import InputError
from align.registry import require


def annotation_place(dataset: str, key: str, position: int) -> str:
    """Return the key of an entry of ``ground_truth`` or ``guiding_masks`` in the configuration, for messages."""
    return f"datasets.{dataset}.{key}.{position}"


def require_annotated(name: str, dataset: Dataset, domains: Sequence[str]) -> None:
    """Check every entry of a data set's ground truth and guiding masks.

    What only the images can tell is left if the data set's source has not made them yet.

    Args:
        name: the data set's name.
        dataset: the data set.
        domains: every domain that its folder has or its source makes.

    Raises:
        InputError: a folder is absent, a domain or a class is unknown, no file of an entry has the name of an image, or a name
            fits two images.
    """
    every_image = list_images(dataset.root, domains) if dataset.annotation_folders and dataset.root.is_dir() else []
    images = _chosen(every_image, dataset)
    entries = [
        (annotation_place(name, key, position), entry)
        for key, several in dataset.annotations.items()
        for position, entry in enumerate(several)
    ]
    for place, truth in entries:
        if truth.domain is not None:
            require(f"domain in {place}", truth.domain, domains)
        if every_image:
            _require_classes(place, truth, {image.split("/")[1] for image in every_image})
        if _is_made_later(truth, dataset):
            continue
        if not truth.folder.is_dir():
            raise InputError(f"{place}: found no folder {truth.folder}; correct the path in the configuration")
        if served := [image for image in images if truth.domain in (None, image.split("/", 1)[0])]:
            require_annotations(place, truth, find_annotations(truth, dataset.root, images), served)


def domains_with_annotations(dataset: Dataset, key: str) -> Collection[str]:
    """Return the domains of a data set of which an image has a mask by the entries of ``key``. All if they are not known yet."""
    entries = dataset.annotations[key]
    if any(_is_made_later(truth, dataset) for truth in entries) or not dataset.root.is_dir():
        return dataset.domains
    images = _chosen(list_images(dataset.root, dataset.domains), dataset)
    return annotated_domains(entries, dataset.root, images)


def _chosen(images: Sequence[str], dataset: Dataset) -> list[str]:
    """Return those of ``images`` that the data set uses. Without ``domains`` or ``classes`` it uses all of them."""
    return [
        image
        for image, (domain, label, _) in ((image, image.split("/", 2)) for image in images)
        if (not dataset.domains or domain in dataset.domains) and (dataset.classes is None or label in dataset.classes)
    ]


def _is_made_later(truth: GroundTruth, dataset: Dataset) -> bool:
    """Return whether the data set's source makes the folder, and has not done so."""
    return bool(dataset.source) and not dataset.root.is_dir() and truth.folder.is_relative_to(dataset.root)


def _require_classes(place: str, truth: GroundTruth, classes: Collection[str]) -> None:
    for label in truth.colours:
        require(f"class in {place}.colours", label, classes)
