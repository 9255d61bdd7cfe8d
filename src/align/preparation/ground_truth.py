"""Packing the masks of a domain that lie in folders, with an account of the annotations behind them."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from align.datasets.annotation import NO_OBJECT, NotUsedError
from align.datasets.annotation_files import Annotations, find_annotations, one_file_for_images, require_annotations
from align.datasets.decoding import Frame, read_frame
from align.datasets.ground_truth import colours_in, read_annotation
from align.datasets.settings import GroundTruth
from align.datasets.voc_boxes import read_voc
from align.errors import InputError
from align.files import whole_file
from align.imaging.fitting import fit
from align.imaging.masks import FULL, UNKNOWN
from align.preparation.packing import decoded_side, write_header

LOG = logging.getLogger("align")

EARLIER = "an earlier entry has a mask of its image"
CROPPED = "the crop leaves its object out"
EXAMPLES = 3  # files that the account names of each kind

PackedMask = npt.NDArray[np.uint8]


class Packing(NamedTuple):
    """How a domain is packed: the data set's folder, the side S of the images, and how they are resized."""

    root: Path
    image_size: int
    resize: Literal["crop", "stretch"]


@dataclass
class _Entry:
    """One entry of ``ground_truth``, and what becomes of its files.

    Attributes:
        place: its place in the configuration, for messages.
        truth: the entry.
        annotations: its files.
        file_of: the file of each image.
        used: the number of files whose mask is packed.
        not_used: the files that are not, by reason.
        remarks: the files of which something has to be said, by remark.
        without_object: the files that have no object of their image's class, by class.
        of_class: the files by the class of their image.
    """

    place: str
    truth: GroundTruth
    annotations: Annotations
    file_of: Mapping[str, str]
    used: int = 0
    not_used: dict[str, list[str]] = field(default_factory=dict)
    remarks: dict[str, list[str]] = field(default_factory=dict)
    without_object: dict[str, list[str]] = field(default_factory=dict)
    of_class: dict[str, list[str]] = field(default_factory=dict)

    @property
    def found(self) -> int:
        """Return the number of files that belong to an image of the domain."""
        return self.used + sum(map(len, self.not_used.values()))

    def refuse(self, file: str, refusal: NotUsedError) -> None:
        """Note that a file is not used."""
        self.not_used.setdefault(refusal.reason, []).append(f"{file}: {refusal.detail}" if refusal.detail else file)

    def account(self) -> dict[str, Any]:
        """Return everything that is said of the entry."""
        return {
            "kind": self.truth.kind,
            "folder": str(self.truth.folder),
            "files": self.found,
            "used": self.used,
            "not_used": _counted(self.not_used),
            "remarks": _counted(self.remarks),
            "without_image": _number_and_examples(self.annotations.without_image),
            "other_files": _number_and_examples(self.annotations.others),
        }


def pack_ground_truth(
    packing: Packing,
    manifest: pd.DataFrame,
    domain: str,
    ground_truth: Mapping[str, GroundTruth],
    masks_path: Path,
    soft: bool = False,
) -> dict[str, Any]:
    """Write the ground-truth masks of a domain, and return an account of the annotations.

    The masks are uint8, N×S×S: 1 on the object, 0 elsewhere, 255 everywhere in an image without a mask. If no image has a mask,
    their shape is (0, S, S).

    Masks that guide are packed as those of a segmentation network (``soft``): 254 on the object, and a row for every image.

    Args:
        packing: how the domain is packed.
        manifest: all rows of the manifest. An annotation must not fit images of two domains.
        domain: the domain.
        ground_truth: where the annotations are, by their place in the configuration. The first mask of an image counts.
        masks_path: the ``.npy`` file for the masks.
        soft: whether the masks guide, and are no ground truth.

    Returns:
        images, images_with_mask, mean_area (the object's share of a packed image with a mask; None if there is none), and for
        each entry: the numbers of its files that were found, used, and not used for each reason, with some of their names.

    Raises:
        InputError: an annotation cannot be read or fits two images; or annotations of the domain were found and none of them can
            be used; or a colour occurs in no file.
    """
    images = list(manifest["path"])
    entries = [_entry(place, truth, packing.root, images) for place, truth in ground_truth.items()]
    entries = [entry for entry in entries if entry.truth.domain in (None, domain)]
    rows = manifest.loc[manifest["domain"] == domain, ["path", "class"]]
    size = packing.image_size
    areas: list[float] = []
    level = np.uint8(FULL if soft else 1)
    with whole_file(masks_path) as partial, partial.open("wb") as masks:
        write_header(masks, (len(rows), size, size))
        for path, label in rows.itertuples(index=False):
            mask = _mask(packing, path, label, entries)
            masks.write((np.full((size, size), UNKNOWN, np.uint8) if mask is None else mask * level).tobytes())
            areas += [] if mask is None else [float(mask.mean())]
        for entry in entries:
            _require_use(entry, domain)
        if not areas and not soft:
            masks.seek(0)
            masks.truncate()
            write_header(masks, (0, size, size))
    return {
        "images": len(rows),
        "images_with_mask": len(areas),
        "mean_area": float(np.mean(areas)) if areas else None,
        "entries": [entry.account() for entry in entries],
    }


def log_account(account: Mapping[str, Any], domain: str) -> None:
    """Log what became of the annotations of a domain. Files that are not used are warnings.

    Args:
        account: what :func:`pack_ground_truth` returned.
        domain: the domain.
    """
    LOG.info("%s: %d of %d images have a mask", domain, account["images_with_mask"], account["images"])
    for entry in account["entries"]:
        LOG.info("%s: %d files for images of %s, %d of them used", entry["folder"], entry["files"], domain, entry["used"])
        for remark, some in entry["remarks"].items():
            LOG.info("%s: %d used, %s; such as %s", entry["folder"], some["files"], remark, some["examples"][0])
        for reason, some in entry["not_used"].items():
            LOG.warning("%s: %d not used, because %s; such as %s", entry["folder"], some["files"], reason, some["examples"][0])
        for what, some in (("have no image's name", entry["without_image"]), ("are of another kind", entry["other_files"])):
            if some["files"]:
                LOG.warning("%s: %d files %s; such as %s", entry["folder"], some["files"], what, some["examples"][0])


def _entry(place: str, truth: GroundTruth, root: Path, images: Sequence[str]) -> _Entry:
    annotations = find_annotations(truth, root, images)
    if served := [image for image in images if truth.domain in (None, image.split("/", 1)[0])]:
        require_annotations(place, truth, annotations, served)
    file_of = {}
    for file, named in annotations.images.items():
        image = named[0] if len(named) == 1 else read_voc(truth.folder / file).told(named)
        if image is None:
            raise InputError(
                f"{place}: {one_file_for_images(truth, file, named)}; or let its elements <folder> and <filename> say whose it is"
            )
        file_of[image] = file
    return _Entry(place, truth, annotations, file_of)


def _mask(packing: Packing, path: str, label: str, entries: Sequence[_Entry]) -> PackedMask | None:
    """Return the packed mask of an image from the first entry that has one."""
    packed: PackedMask | None = None
    frame: Frame | None = None
    for entry in entries:
        file = entry.file_of.get(path)
        if file is None:
            continue
        entry.of_class.setdefault(label, []).append(file)
        try:
            if packed is not None:
                raise NotUsedError(EARLIER)
            frame = frame or read_frame(packing.root / path, decoded_side(packing.image_size))
            annotation = read_annotation(entry.truth.folder / file, entry.truth, label, frame)
            mask = Image.fromarray(annotation.mask.astype(np.uint8))
            fitted = np.asarray(fit(mask, packing.image_size, packing.resize, Image.Resampling.NEAREST))
            if not fitted.any():
                raise NotUsedError(CROPPED)
        except NotUsedError as refusal:
            entry.refuse(file, refusal)
            if refusal.reason == NO_OBJECT:
                entry.without_object.setdefault(label, []).append(file)
        else:
            packed = fitted
            entry.used += 1
            for remark in annotation.remarks:
                entry.remarks.setdefault(remark, []).append(file)
    return packed


def _require_use(entry: _Entry, domain: str) -> None:
    """Check that each colour occurs, and that at least one of the files that were found is used."""
    files = [file for files in entry.of_class.values() for file in files]
    for label, without in entry.without_object.items():
        if entry.truth.kind == "colours" and without == entry.of_class[label]:
            _require_colour(entry, label, files)
    if files and not entry.used and EARLIER not in entry.not_used:
        reasons = [f"  {reason}: {len(names)}, such as {names[0]}" for reason, names in entry.not_used.items()]
        raise InputError(
            f"{entry.place}: found {len(files)} files in {entry.truth.folder} for images of {domain}, none of which can be used, "
            "expected at least one; correct the files or the entry\n" + "\n".join(reasons)
        )


def _require_colour(entry: _Entry, label: str, files: Sequence[str]) -> None:
    colour = entry.truth.colours[label]
    seen: set[tuple[int, int, int]] = set()
    for file in files:
        seen |= colours_in(entry.truth.folder / file)
        if colour in seen:
            return
    nearest = min(seen, key=lambda other: sum((one - two) ** 2 for one, two in zip(colour, other)))
    raise InputError(
        f"{entry.place}.colours.{label}: found no pixel of {list(colour)} in {len(files)} files in {entry.truth.folder}, "
        f"expected it in one or more; the nearest colour there is {list(nearest)}; correct the colour or remove it"
    )


def _counted(files: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Any]]:
    return {reason: _number_and_examples(names) for reason, names in files.items()}


def _number_and_examples(names: Sequence[str]) -> dict[str, Any]:
    return {"files": len(names), "examples": list(names[:EXAMPLES])}
