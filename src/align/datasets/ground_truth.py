"""The ground-truth mask of an image, from its annotation: a mask picture, a colour map or PASCAL VOC boxes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from align.datasets.annotation import AMBIGUOUS, EVERYTHING, NO_OBJECT, SHAPE, Annotation, Mask, NotUsedError
from align.datasets.decoding import Frame, decode, read_bytes, turned_size
from align.datasets.object_pixels import object_pixels, probable_pixels
from align.datasets.settings import GroundTruth
from align.datasets.voc_boxes import NO_SIZE, draw, fit, read_voc

NO_COLOUR = "the class of its image has no colour in `colours:`"
TOO_SMALL = "its object is smaller than a pixel of its image"
TURNED = "turned as EXIF turns its image"
RESIZED = "of another size than its image; resized"

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_annotation(file: Path, truth: GroundTruth, label: str, frame: Frame) -> Annotation:
    """Return the mask of an image's object.

    Args:
        file: the annotation of the image.
        truth: the entry of the configuration that the file belongs to.
        label: the image's class.
        frame: the sizes of the image. The mask has the size ``frame.decoded``.

    Raises:
        InputError: the annotation cannot be read.
        NotUsedError: it can be read, and is no ground truth of this image.
    """
    return READERS[truth.kind](file, truth, label, frame)


def colours_in(file: Path) -> set[tuple[int, int, int]]:
    """Return the colours of a picture.

    Raises:
        InputError: the picture cannot be read.
    """
    colours = np.unique(np.asarray(decode(read_bytes(file), file).convert("RGB")).reshape(-1, 3), axis=0)
    return {(int(red), int(green), int(blue)) for red, green, blue in colours}


def _from_masks(file: Path, truth: GroundTruth, label: str, frame: Frame) -> Annotation:
    image = decode(read_bytes(file), file)
    turned = _is_turned(image.size, frame, truth)
    drawn = probable_pixels(image) if truth.kind == "probability" else object_pixels(image, truth)
    return _as_decoded(drawn, turned, frame)


def _from_colours(file: Path, truth: GroundTruth, label: str, frame: Frame) -> Annotation:
    if label not in truth.colours:
        raise NotUsedError(NO_COLOUR, label)
    image = decode(read_bytes(file), file).convert("RGB")
    turned = _is_turned(image.size, frame, truth)
    mask: Mask = (np.asarray(image) == truth.colours[label]).all(axis=2)
    if not mask.any():
        raise NotUsedError(NO_OBJECT, f"found no pixel of {list(truth.colours[label])}, that of {label!r}")
    if mask.all():
        raise NotUsedError(EVERYTHING)
    return _as_decoded(Annotation(mask), turned, frame)


def _from_voc_boxes(file: Path, truth: GroundTruth, label: str, frame: Frame) -> Annotation:
    annotation = read_voc(file)
    boxes = annotation.boxes(label)
    size, remarks = annotation.size, tuple[str, ...]()
    if size is None:
        fitting = {frame.upright: fit(boxes, frame.upright), frame.stored: fit(boxes, frame.stored)}
        if not any(fitting.values()):
            raise NotUsedError(SHAPE, f"found no size, and boxes beyond the image of {_text(frame.upright)}")
        if not all(fitting.values()) and frame.upright != frame.stored:
            size = next(size for size, fits in fitting.items() if fits)
        elif truth.drawn_on is None and frame.orientation > 1:
            raise NotUsedError(AMBIGUOUS)
        else:
            size = frame.stored if truth.drawn_on == "stored" else frame.upright
        remarks = (NO_SIZE,)
    turned = _is_turned(size, frame, truth)
    drawn = draw(boxes, size, turned_size(frame.decoded, frame.orientation) if turned else frame.decoded)
    if turned:
        return Annotation(_turn(drawn.mask, frame.orientation), (*remarks, *drawn.remarks, TURNED))
    return drawn._replace(remarks=remarks + drawn.remarks)


READERS: dict[str, Callable[[Path, GroundTruth, str, Frame], Annotation]] = {
    "masks": _from_masks,
    "probability": _from_masks,
    "colours": _from_colours,
    "voc_boxes": _from_voc_boxes,
}


def _is_turned(size: tuple[float, float], frame: Frame, truth: GroundTruth) -> bool:
    """Return whether an annotation of this width and height was drawn on the pixels as stored, and EXIF turns these.

    Raises:
        NotUsedError: its shape is not that of the image, or its size does not tell.
    """
    places = {"upright": frame.upright} if frame.orientation == 1 else {"upright": frame.upright, "stored": frame.stored}
    alike = [place for place, shape in places.items() if _same_shape(size, shape)]
    if not alike:
        turned = f", which EXIF turns to {_text(frame.upright)}" if frame.upright != frame.stored else ""
        raise NotUsedError(SHAPE, f"found {_text(size)}, expected the shape of {_text(frame.stored)}{turned}")
    if truth.drawn_on in alike:
        alike = [truth.drawn_on]
    if len(alike) > 1 and frame.upright != frame.stored:
        alike = [place for place in alike if size == places[place]] or alike  # nearly square: the very size tells
    if len(alike) > 1:
        raise NotUsedError(AMBIGUOUS, f"found {_text(size)}, EXIF orientation {frame.orientation}")
    if truth.drawn_on and truth.drawn_on in places and alike != [truth.drawn_on]:
        raise NotUsedError(
            SHAPE, f"found {_text(size)}, expected the shape of {_text(places[truth.drawn_on])}, as `drawn_on:` says"
        )
    return alike == ["stored"]


def _same_shape(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Return whether two pictures have the same width over height, if each of their sides may be rounded by a pixel."""
    small, large = sorted((one, other))
    ratio = large[0] / large[1]
    return abs(small[0] - small[1] * ratio) <= 1 + ratio


def _as_decoded(drawn: Annotation, turned: bool, frame: Frame) -> Annotation:
    """Return a mask in the size of its decoded image."""
    mask = _turn(drawn.mask, frame.orientation) if turned else drawn.mask
    remarks = drawn.remarks + (TURNED,) * turned
    if mask.shape[::-1] not in (frame.upright, frame.decoded):
        remarks = (*remarks, RESIZED)
    resized = np.asarray(Image.fromarray(mask).resize(frame.decoded, Image.Resampling.NEAREST))
    if not resized.any():
        raise NotUsedError(TOO_SMALL)
    return Annotation(resized, remarks)


def _turn(mask: Mask, orientation: int) -> Mask:
    return np.asarray(Image.fromarray(mask).transpose(TURNS[orientation]))


def _text(size: tuple[float, float]) -> str:
    return f"{size[0]:g}×{size[1]:g}"
