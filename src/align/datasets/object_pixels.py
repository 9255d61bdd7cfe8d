"""Which pixels of a mask picture are the object.

A mask picture is judged by the colours that a viewer shows, not by the numbers behind them. Black is the background, and the one
other colour is the object. A picture with more colours is used if these are only the noise of JPEG or a soft border.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from align.datasets.annotation import EVERYTHING, NOTHING, Annotation, Mask, NotUsedError
from align.datasets.settings import GroundTruth, PixelValue

VALUES = "it has more than black and one other colour; say which are the object with `object:`, and which unknown with `unknown:`"
NOT_GIVEN = "it has none of the values of `object:`"

THRESHOLD = "grey levels cut at the middle between its darkest and its lightest"
ALPHA = "object where it is not transparent"
UNKNOWN = "unknown pixels counted as not the object"

CONTRAST = 0.5  # least difference of darkest and lightest, as a share of white, at which levels between them may be noise
NEAR = 0.125  # levels so near to the darkest or lightest, as a share of white, may be noise of these
MANY = 16  # so many colours, and four times as many as fill an area, are noise; label maps have few, and each fills an area
LISTED = 6  # a message names no more colours

Values = npt.NDArray[Any]
"""H×W numbers, integers or floats."""


def object_pixels(image: Image.Image, truth: GroundTruth) -> Annotation:
    """Return the object in a mask picture, in the picture's own size.

    Args:
        image: the picture, of any mode.
        truth: has the values of the object and of unknown pixels, if the user gave them.

    Raises:
        NotUsedError: no pixel or every pixel is the object, or the colours do not tell.
    """
    unknown = _having(image, truth.unknown)
    remarks = (UNKNOWN,) if unknown.any() else ()
    if truth.object:
        mask = _having(image, truth.object)
        if not mask.any():
            raise NotUsedError(NOT_GIVEN, _listed(image))
        return _not_everything(Annotation(mask, remarks))
    if image.has_transparency_data:
        alpha = np.asarray(image.convert("RGBA"))[..., 3]
        if alpha.min() < alpha.max():  # otherwise it says nothing
            mask = alpha >= (int(alpha.min()) + int(alpha.max()) + 1) / 2
            return _not_everything(Annotation(mask & ~unknown, (ALPHA, *remarks)))
    colours, levels, white = _levels(image)
    colours, levels = np.where(unknown, 0, colours), np.where(unknown, 0, levels)
    lowest, highest = colours.min(), colours.max()
    if lowest == highest:
        raise NotUsedError(EVERYTHING if levels.flat[0] else NOTHING, _listed(image))
    if levels.min() == 0 and np.isin(colours, (lowest, highest)).all():
        return Annotation(levels > 0, remarks)
    if not _is_noisy(colours, levels, white):
        raise NotUsedError(VALUES, _listed(image))
    mask = levels >= (levels.min() + levels.max()) / 2
    return _not_everything(Annotation(mask, (THRESHOLD, *remarks)))


def probable_pixels(image: Image.Image) -> Annotation:
    """Return where a picture is at least half as light as white, in the picture's own size.

    Args:
        image: a grey picture of any depth, or one in colour, of which the strongest channel counts.

    Raises:
        NotUsedError: this is no pixel or every pixel.
    """
    _, levels, white = _levels(image)
    return _not_everything(Annotation(levels >= white / 2))


def _not_everything(annotation: Annotation) -> Annotation:
    if annotation.mask.all():
        raise NotUsedError(EVERYTHING)
    if not annotation.mask.any():
        raise NotUsedError(NOTHING)
    return annotation


def _having(image: Image.Image, values: Iterable[PixelValue]) -> Mask:
    """Return where a picture has one of ``values``: a colour as shown, or a number as stored (in a palette picture, an index)."""
    found = np.zeros(image.size[::-1], dtype=bool)
    for value in values:
        if isinstance(value, int):
            stored = np.asarray(image.convert("L") if image.mode == "LA" else image)
            found |= stored == value if stored.ndim == 2 else (stored[..., :3] == value).all(axis=2)
        else:
            found |= (np.asarray(image.convert("RGB")) == value).all(axis=2)
    return found


def _levels(image: Image.Image) -> tuple[Values, Values, float]:
    """Return a number for the colour of each pixel, the level of its strongest channel, and the level of white."""
    if image.mode.startswith(("I", "F")):
        levels = np.asarray(image).astype(np.float64 if image.mode == "F" else np.int64)
        return levels, levels, next((white for white in (1, 255, 65535) if levels.max() <= white), float(levels.max()))
    if image.mode in ("1", "L"):
        levels = np.asarray(image.convert("L")).astype(np.int32)
        return levels, levels, 255
    channels = np.asarray(image.convert("RGB")).astype(np.int32)
    return channels @ np.array((65536, 256, 1), np.int32), channels.max(axis=2), 255


def _is_noisy(colours: Values, levels: Values, white: float) -> bool:
    """Return whether a picture is black and white with noise or soft borders, so that the middle level parts them.

    The colours that fill an area of 3×3 pixels must then be near the darkest or the lightest level, one near each. Only noise has
    many more colours than those that fill an area.
    """
    dark, light = levels.min(), levels.max()
    if light - dark < CONTRAST * white:
        return False
    areas = _fills_area(colours)
    filling, first = np.unique(colours[1:-1, 1:-1][areas], return_index=True)
    of_areas = levels[1:-1, 1:-1][areas][first]
    near_dark, near_light = of_areas <= dark + NEAR * white, of_areas >= light - NEAR * white
    if not (near_dark | near_light).all():
        return False
    one_each = near_dark.sum() <= 1 and near_light.sum() <= 1
    return bool(one_each or len(np.unique(colours)) >= max(MANY, 4 * len(filling)))


def _fills_area(colours: Values) -> Mask:
    """Return whether each pixel that is not at the border has the colour of all eight around it: (H − 2)×(W − 2)."""
    height, width = colours.shape
    inner = colours[1:-1, 1:-1]
    same = np.ones_like(inner, dtype=bool)
    for down in range(3):
        for right in range(3):
            same &= colours[down : height - 2 + down, right : width - 2 + right] == inner
    return same


def _listed(image: Image.Image) -> str:
    """Return the most frequent colours of a picture, as a viewer shows them, and their shares."""
    numbers, levels, _ = _levels(image)
    values, counts = np.unique(numbers, return_counts=True)
    grey = numbers is levels
    most = np.argsort(-counts, kind="stable")[:LISTED]
    texts = [f"{_colour_text(values[place], grey)} ({counts[place] / numbers.size:.1%})" for place in most]
    return f"found {', '.join(texts)}" + (f" and {len(values) - LISTED} more" if len(values) > LISTED else "")


def _colour_text(number: float, grey: bool) -> str:
    if grey:
        return f"{number:g}"
    return str([int(number) >> 16, int(number) >> 8 & 255, int(number) & 255])
