"""Reading PASCAL VOC boxes."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np

from align.datasets.annotation import NO_OBJECT, Annotation, NotUsedError
from align.datasets.decoding import read_bytes
from align.errors import InputError

BAD_BOX = "a box has its right or lower side before the other"
OUTSIDE = "a box lies outside of the picture"
CUT = "boxes cut at the border of the picture"
NO_SIZE = "no size in it; that of its image taken"
FILLS = "boxes fill the picture"

Size = tuple[float, float]
SLACK = 2  # pixels: tools count from 0 or from 1, and round


class Box(NamedTuple):
    """The first and the last column and row of a box, counted from 1 as PASCAL VOC does."""

    left: float
    top: float
    right: float
    bottom: float


class VocFile(NamedTuple):
    """A PASCAL VOC annotation.

    Attributes:
        path: the file.
        root: its content.
        size: width and height of the picture, or None if the file says none.
    """

    path: Path
    root: ElementTree.Element
    size: Size | None

    @property
    def names(self) -> list[str]:
        """Return the names of its objects, each once, sorted."""
        return sorted({_name(item) for item in self.root.findall("object")})

    def boxes(self, label: str) -> list[Box]:
        """Return the boxes of the objects named ``label``.

        Raises:
            InputError: a coordinate is missing or no number.
            NotUsedError: there is no such object, or a box has its sides in the wrong order.
        """
        try:
            boxes = [
                Box(*(_number(item, f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")))
                for item in self.root.findall("object")
                if _name(item) == label
            ]
        except ValueError as error:
            raise _malformed(self.path, error) from None
        if not boxes:
            names = self.names
            raise NotUsedError(NO_OBJECT, f"found {', '.join(names)}, expected {label}" if names else "found no object")
        for box in boxes:
            if box.right < box.left or box.bottom < box.top:
                raise NotUsedError(BAD_BOX, _text(box))
        return boxes

    def told(self, images: Sequence[str]) -> str | None:
        """Return the one of ``images`` that the file says to be of, by its elements folder, filename and path; None if none.

        Args:
            images: images that have the file's name, as ``<domain>/<class>/<name>``.
        """
        folder, name, path = (_parts(self.root.findtext(element, "")) for element in ("folder", "filename", "path"))
        left = list(images)
        for matches in (
            lambda image: name[-1:] == image[-1:],
            lambda image: path[-3:] == image,
            lambda image: folder[-2:] == image[:2],
            lambda image: folder[-1:] == image[1:2],
            lambda image: folder[-1:] == image[:1],
        ):
            left = [image for image in left if matches(PurePosixPath(image).parts)] or left
        return left[0] if len(left) == 1 else None


def read_voc(path: Path) -> VocFile:
    """Read a PASCAL VOC annotation.

    Raises:
        InputError: the file is no such annotation.
    """
    try:
        root = _parse(read_bytes(path))
        if root.tag != "annotation":
            raise ValueError(f"it begins with <{root.tag}>")
        sides = [_number(root, f"size/{side}") if root.findtext(f"size/{side}") else 0 for side in ("width", "height")]
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise _malformed(path, error) from None
    return VocFile(path, root, (sides[0], sides[1]) if min(sides) > 0 else None)


def fit(boxes: Sequence[Box], size: Size) -> bool:
    """Return whether boxes lie in a picture of this width and height."""
    return all(
        box.left >= 1 - SLACK and box.top >= 1 - SLACK and box.right <= size[0] + SLACK and box.bottom <= size[1] + SLACK
        for box in boxes
    )


def draw(boxes: Sequence[Box], size: Size, target: tuple[int, int]) -> Annotation:
    """Return the union of boxes as a mask.

    Args:
        boxes: at least one box.
        size: width and height of the picture that the boxes were drawn on.
        target: width and height of the mask, pixels.

    Raises:
        NotUsedError: a box lies outside of the picture.
    """
    scale_x, scale_y = target[0] / size[0], target[1] / size[1]
    mask = np.zeros(target[::-1], dtype=bool)
    for box in boxes:
        if box.right < 1 - SLACK or box.bottom < 1 - SLACK or box.left > size[0] + SLACK or box.top > size[1] + SLACK:
            raise NotUsedError(OUTSIDE, f"{_text(box)} in {size[0]:g}×{size[1]:g}")
        # PASCAL VOC counts pixels from 1, and xmax and ymax are the last pixels of the box.
        left, right = (box.left - 1) * scale_x, box.right * scale_x
        top, bottom = (box.top - 1) * scale_y, box.bottom * scale_y
        mask[max(round(top), 0) : max(round(bottom), 0), max(round(left), 0) : max(round(right), 0)] = True
    remarks = (CUT,) * (not fit(boxes, size)) + (FILLS,) * bool(mask.all())
    return Annotation(mask, remarks)


def _parse(content: bytes) -> ElementTree.Element:
    # Entities can grow without limit. They need a document type, which no VOC file has. UTF-16 has zeros between the letters.
    if b"<!DOCTYPE" in content.replace(b"\0", b""):
        raise ValueError("it declares a document type")
    return ElementTree.fromstring(content)


def _number(element: ElementTree.Element, path: str) -> float:
    text = element.findtext(path)
    if text is None:
        raise ValueError(f"no <{path}> in <{element.tag}>")
    number = float(text)
    if not np.isfinite(number):
        raise ValueError(f"<{path}> is {text.strip()}")
    return number


def _name(item: ElementTree.Element) -> str:
    return item.findtext("name", "").strip()


def _parts(text: str) -> tuple[str, ...]:
    return PurePosixPath(text.strip().replace("\\", "/")).parts


def _text(box: Box) -> str:
    return f"found ({', '.join(f'{side:g}' for side in box)})"


def _malformed(path: Path, error: Exception) -> InputError:
    return InputError(f"{path}: found no PASCAL VOC annotation ({error}), expected one; repair or remove it")
