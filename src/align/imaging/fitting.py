"""Resizing an image to a square."""

from typing import Literal

from PIL import Image


def fit(image: Image.Image, size: int, resize: Literal["crop", "stretch"], resample: Image.Resampling) -> Image.Image:
    """Return an image resized to a square.

    Args:
        image: an image of any size.
        size: side of the result, pixels.
        resize: ``crop`` keeps the largest centred square, ``stretch`` keeps the whole image.
        resample: Pillow's resampling filter.
    """
    width, height = image.size
    kept_width, kept_height = (min(image.size),) * 2 if resize == "crop" else image.size
    left, top = (width - kept_width) / 2, (height - kept_height) / 2
    return image.resize((size, size), resample, box=(left, top, left + kept_width, top + kept_height))
