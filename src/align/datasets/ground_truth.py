"""Ground-truth masks of objects, read from mask images, colour maps or PASCAL VOC boxes."""

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
from PIL import Image

from align.datasets.decoding import decode, read_bytes
from align.datasets.settings import GroundTruth
from align.errors import InputError

Mask = npt.NDArray[np.bool_]


def read_mask(path: str, domain: str, label: str, size: tuple[int, int], ground_truth: Sequence[GroundTruth]) -> Mask | None:
    """Return the ground-truth mask of an image's object of class ``label``, None if there is none.

    Args:
        path: the image's path relative to the data set's root.
        domain: the image's domain.
        label: the image's class.
        size: width and height of the decoded image, pixels. A mask of another size is resized to it (nearest neighbour).
        ground_truth: where to look, in this order. The first mask that is not empty is returned.

    Returns:
        H×W, true on the object. At least one pixel is true.

    Raises:
        InputError: an annotation exists and cannot be read.
    """
    for truth in ground_truth:
        if truth.domain in (None, domain):
            mask = READERS[truth.kind](truth, PurePosixPath(path), label, size)
            if mask is not None and mask.any():
                return mask
    return None


def _from_masks(truth: GroundTruth, path: PurePosixPath, label: str, size: tuple[int, int]) -> Mask | None:
    file = truth.folder / path.with_suffix(".png")
    if not file.exists():
        return None
    image = decode(read_bytes(file), file)
    if image.mode in ("LA", "RGBA"):
        image = image.convert(image.mode[:-1])
    values = np.asarray(image.resize(size, Image.Resampling.NEAREST))
    mask: Mask = np.any(np.atleast_3d(values), axis=2)
    return mask


def _from_colours(truth: GroundTruth, path: PurePosixPath, label: str, size: tuple[int, int]) -> Mask | None:
    file = truth.folder / f"{path.stem}.png"
    if label not in truth.colours or not file.exists():
        return None
    image = decode(read_bytes(file), file).convert("RGB").resize(size, Image.Resampling.NEAREST)
    mask: Mask = (np.asarray(image) == truth.colours[label]).all(axis=2)
    return mask


def _from_voc_boxes(truth: GroundTruth, path: PurePosixPath, label: str, size: tuple[int, int]) -> Mask | None:
    file = truth.folder / f"{path.stem}.xml"
    if not file.exists():
        return None
    try:
        annotation = _parse(read_bytes(file))
        scale_x = size[0] / _number(annotation, "size/width")
        scale_y = size[1] / _number(annotation, "size/height")
        mask = np.zeros(size[::-1], dtype=bool)
        for item in annotation.findall("object"):
            if item.findtext("name", "").strip() == label:
                # PASCAL VOC counts pixels from 1, and xmax and ymax are the last pixels of the box.
                left, right = (_number(item, "bndbox/xmin") - 1) * scale_x, _number(item, "bndbox/xmax") * scale_x
                top, bottom = (_number(item, "bndbox/ymin") - 1) * scale_y, _number(item, "bndbox/ymax") * scale_y
                mask[max(round(top), 0) : max(round(bottom), 0), max(round(left), 0) : max(round(right), 0)] = True
    except (ElementTree.ParseError, ValueError, ArithmeticError, LookupError) as error:
        raise InputError(f"{file}: found no PASCAL VOC annotation ({error}), expected one; repair or remove it") from None
    return mask


def _parse(content: bytes) -> ElementTree.Element:
    # Entities can grow without limit. They need a document type, which no VOC file has. UTF-16 has zeros between the letters.
    if b"<!DOCTYPE" in content.replace(b"\0", b""):
        raise ValueError("it declares a document type")
    return ElementTree.fromstring(content)


def _number(element: ElementTree.Element, path: str) -> float:
    text = element.findtext(path)
    if text is None:
        raise ValueError(f"no <{path}> in <{element.tag}>")
    return float(text)


READERS: dict[str, Callable[[GroundTruth, PurePosixPath, str, tuple[int, int]], Mask | None]] = {
    "masks": _from_masks,
    "colours": _from_colours,
    "voc_boxes": _from_voc_boxes,
}
