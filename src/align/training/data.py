"""The images of a run, from the packed arrays of its source domains."""

from collections.abc import Collection, Sequence
from pathlib import Path

import torch

from align.errors import InputError
from align.imaging.masks import UNKNOWN
from align.methods.base import Method
from align.methods.settings import LEARNED_MASKS
from align.preparation.listing import SPLITS_COLUMNS, read_listing
from align.preparation.packed import Packed, PackedFolders, class_names, read_packed
from align.registry import load
from align.training.run import RunData


def read_run_data(
    splits: Path,
    folders: PackedFolders,
    source_domains: Collection[str],
    classes: Sequence[str] | None,
    given_masks: str | None,
    teacher: Method | None,
    device: torch.device,
) -> RunData:
    """Read what a run is trained on and selected on.

    Args:
        splits: the data set's ``splits.csv``.
        folders: where its packed arrays are.
        source_domains: the domains that the run is trained on.
        classes: the configured classes. None stands for all classes.
        given_masks: the origin of the masks that the method is given, see :func:`align.preparation.packed.read_packed`.
        teacher: the finished run that makes the given masks, or None.
        device: where the teacher computes.

    Raises:
        InputError: a listing or a packed array is missing, broken, or of other images.
    """
    listed = read_listing(splits, SPLITS_COLUMNS)
    names = class_names(listed, classes)

    def read(split: str) -> list[Packed]:
        packed = [read_packed(folders, listed, domain, split, names, given_masks) for domain in source_domains]
        return [add_teacher_masks(images, teacher, device) for images in packed]

    return RunData(read("train"), read("validation"), names)


def count_given_masks(training: Sequence[Packed], origin: str | None) -> dict[str, int | None]:
    """Return the numbers of training images, and of those with a given mask: None if the method is given no masks.

    Args:
        training: the images to train on, of each source domain.
        origin: the origin of the given masks, see :func:`align.preparation.packed.read_packed`.

    Raises:
        InputError: the method is given true masks, and no image has one. Segment Anything may have found none.
    """
    images = sum(len(packed.labels) for packed in training)
    given = [packed.given_masks for packed in training if packed.given_masks is not None]
    masks = sum(int((masks[:, 0, 0] != UNKNOWN).sum()) for masks in given) if given else None  # unknown is so everywhere
    if masks == 0 and origin == "ground_truth":
        raise InputError(
            f"found no true mask for any of {images} training images, and the method is given true masks, expected one or more; "
            "see the table of data for the annotations of each domain, or leave the method out"
        )
    return {"training_images": images, "training_images_with_masks": masks}


def add_teacher_masks(packed: Packed, teacher: Method | None, device: torch.device) -> Packed:
    """Return ``packed`` with the masks of ``teacher``, a finished run. Without a teacher nothing changes."""
    if teacher is None:
        return packed
    with_masks: Packed = load(LEARNED_MASKS)(packed, teacher, device)  # by name: only runs with such masks depend on its code
    return with_masks
