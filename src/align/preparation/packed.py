"""Reading the packed arrays that :mod:`align.preparation.packing` writes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from align.errors import InputError
from align.imaging.masks import FULL, UNKNOWN
from align.registry import require


class PackedFolders(NamedTuple):
    """The folders of a data set's packed arrays, each with a file ``<domain>.npy``.

    Attributes:
        images: of the images.
        ground_truth: of the true masks. None if they are not read.
        segmented: of the masks of a segmentation network. None if they are not read.
    """

    images: Path
    ground_truth: Path | None = None
    segmented: Path | None = None

    @classmethod
    def of(
        cls, images: Sequence[str], ground_truth: Sequence[str] = (), given: Sequence[str] = (), origin: str | None = None
    ) -> "PackedFolders":
        """Return the folders of packed files.

        Args:
            images: the files of the images, one or more.
            ground_truth: the files of the true masks.
            given: the files of the masks that a method is given.
            origin: the origin of those masks, see :func:`read_packed`.
        """
        if origin == "ground_truth":
            ground_truth = given
        segmented = () if origin in ("ground_truth", "learned") else given
        files = {"images": images, "ground_truth": ground_truth, "segmented": segmented}
        return cls(**{name: Path(several[0]).parent for name, several in files.items() if several})


@dataclass(frozen=True)
class Packed:
    """Images of one domain.

    Attributes:
        images: N×S×S×3, uint8.
        labels: N, int64: positions in the list of classes.
        paths: N paths relative to the data set's root.
        ground_truth: true masks, N×S×S, uint8: 1 on the object, 0 elsewhere, 255 everywhere in an image without ground truth.
            None if they were not read, or if no image of the domain has ground truth.
        given_masks: soft masks that the method is given and does not learn, N×S×S, uint8: from 0 to 254, and 255 everywhere in an
            image without a mask. None if the method uses no given masks.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    paths: list[str]
    ground_truth: npt.NDArray[np.uint8] | None
    given_masks: npt.NDArray[np.uint8] | None = None


def class_names(splits: pd.DataFrame, configured: Sequence[str] | None = None) -> list[str]:
    """Return the classes in the order of their labels: as configured, or sorted if no classes are configured."""
    return list(configured or sorted(splits["class"].unique()))


def read_packed(
    folders: PackedFolders,
    splits: pd.DataFrame,
    domain: str,
    split: str | None,
    classes: Sequence[str],
    given_masks: str | None = None,
) -> Packed:
    """Read a domain or one of its splits. A whole domain is mapped into memory, a split is copied into memory.

    Args:
        folders: where the arrays are.
        splits: the data set's ``splits.csv``.
        domain: name of the domain.
        split: train, validation or test; None for the whole domain.
        classes: every class, in the order of the labels.
        given_masks: the masks that the method uses: ``ground_truth``, or the name of a segmentation network. Masks that are
            ``learned``, and None, are not read here.

    Raises:
        InputError: a packed file is missing or broken, or its rows are not those of ``splits``.
    """
    require("domain", domain, splits["domain"].unique())
    rows = splits[splits["domain"] == domain]
    images = read_array(folders.images / f"{domain}.npy", 4, (len(rows),))
    selected = np.flatnonzero(rows["split"] == split) if split else slice(None)
    chosen = rows.iloc[selected]
    position = {label: i for i, label in enumerate(classes)}
    labels = np.array([position[require("class", label, position)] for label in chosen["class"]], dtype=np.int64)
    packed = Packed(images[selected], labels, list(chosen["path"]), None)
    if folders.ground_truth:
        masks = read_array(folders.ground_truth / f"{domain}.npy", 3, (len(rows), 0))
        packed = replace(packed, ground_truth=masks[selected] if len(masks) else None)
    if given_masks == "ground_truth":
        return replace(packed, given_masks=_soft_ground_truth(packed))
    if given_masks and folders.segmented:
        return replace(packed, given_masks=read_array(folders.segmented / f"{domain}.npy", 3, (len(rows),))[selected])
    return packed


def _soft_ground_truth(packed: Packed) -> npt.NDArray[np.uint8]:
    if packed.ground_truth is None:
        return np.full(packed.images.shape[:3], UNKNOWN, np.uint8)
    return np.where(packed.ground_truth == UNKNOWN, np.uint8(UNKNOWN), packed.ground_truth * np.uint8(FULL))


def read_array(path: Path, dimensions: int, lengths: Sequence[int] | None = None) -> npt.NDArray[np.uint8]:
    """Map an array of bytes into memory. Pickled objects in the file are never read.

    Args:
        path: the ``.npy`` file.
        dimensions: number of axes.
        lengths: the allowed numbers of rows; None for any number.

    Raises:
        InputError: the file is missing or cut short, or holds another array.
    """
    remedy = "remove it, so that it is packed again"
    try:
        array: npt.NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: found no whole packed array ({error}); {remedy}") from None
    if array.dtype != np.uint8 or array.ndim != dimensions or (lengths and len(array) not in lengths):
        rows = " or ".join(map(str, lengths)) if lengths else "any number of"
        raise InputError(
            f"{path}: found {array.dtype} of shape {array.shape}, expected {rows} rows of uint8, {dimensions} axes; {remedy}"
        )
    return array
