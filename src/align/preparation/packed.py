"""Reading what :mod:`align.preparation.packing` wrote."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from align.errors import InputError
from align.imaging.masks import FULL, UNKNOWN
from align.registry import require


@dataclass(frozen=True)
class Packed:
    """Images of one domain.

    Attributes:
        images: N×S×S×3, uint8.
        labels: N, int64: positions in the list of classes.
        paths: N paths relative to the data set's root.
        masks: N×S×S, uint8: 1 object, 0 not, 255 not known; None where nothing is known of any image of the domain.
        given: N×S×S, uint8: soft masks that a method asks for, from 0 to 254, 255 not known; None: it asks for none.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    paths: list[str]
    masks: npt.NDArray[np.uint8] | None
    given: npt.NDArray[np.uint8] | None = None


def class_names(splits: pd.DataFrame, configured: Sequence[str] | None = None) -> list[str]:
    """Return the classes in the order of their labels: as configured, else sorted."""
    return list(configured or sorted(splits["class"].unique()))


def read_packed(
    folder: Path, splits: pd.DataFrame, domain: str, split: str | None, classes: Sequence[str], given: str | None = None
) -> Packed:
    """Read one domain, mapped into memory, or one split of it, copied into memory.

    Args:
        folder: ``results/data/<dataset>``.
        splits: the data set's ``splits.csv``.
        domain: which domain.
        split: train, validation or test; None: all, mapped from the file.
        classes: every class, in the order of the labels.
        given: which masks a method asks for: ``ground_truth``, ``sam`` (Segment Anything's), or none of these.

    Raises:
        InputError: a packed file is missing, broken, or does not have the rows of ``splits``.
    """
    require("domain", domain, splits["domain"].unique())
    rows = splits[splits["domain"] == domain]
    images = read_array(folder / f"{domain}.npy", 4, (len(rows),))
    masks = read_array(folder / f"{domain}.masks.npy", 3, (len(rows), 0))
    selected = np.flatnonzero(rows["split"] == split) if split else slice(None)
    chosen = rows.iloc[selected]
    position = {label: i for i, label in enumerate(classes)}
    labels = np.array([position[require("class", label, position)] for label in chosen["class"]], dtype=np.int64)
    packed = Packed(images[selected], labels, list(chosen["path"]), masks[selected] if len(masks) else None)
    if given == "sam":
        return replace(packed, given=read_array(folder / f"{domain}.sam.npy", 3, (len(rows),))[selected])
    return replace(packed, given=_as_given(packed)) if given == "ground_truth" else packed


def _as_given(packed: Packed) -> npt.NDArray[np.uint8]:
    if packed.masks is None:
        return np.full(packed.images.shape[:3], UNKNOWN, np.uint8)
    return np.where(packed.masks == UNKNOWN, np.uint8(UNKNOWN), packed.masks * np.uint8(FULL))


def read_array(path: Path, dimensions: int, lengths: Sequence[int] | None = None) -> npt.NDArray[np.uint8]:
    """Map an array of bytes into memory, as data only: pickled objects in a file are not read.

    Args:
        path: the ``.npy`` file.
        dimensions: number of axes.
        lengths: how many rows it may have; None: any number.

    Raises:
        InputError: it is missing, cut short, or another array.
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
