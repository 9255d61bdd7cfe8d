"""Image files to pixels: the one place where an image is opened."""

import hashlib
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from align.errors import InputError

LEAST_SIDE = 8
MOST_PIXELS = 2**26


def read_rgb(path: Path, least_side: int | None = None) -> tuple[Image.Image, str]:
    """Return a JPEG or PNG file as an upright 8-bit RGB image, and the SHA-256 of the bytes that it was decoded from.

    Grey, palette, CMYK and 16-bit images are converted, transparent ones are laid on white.

    Args:
        path: the file.
        least_side: a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size as long as both sides keep this many pixels.

    Raises:
        InputError: the file cannot be read or decoded whole, is smaller than 8 pixels or larger than 2²⁶.
    """
    content = read_bytes(path)
    image = decode(content, path, least_side)
    if min(image.size) < LEAST_SIDE:
        raise InputError(
            f"{path}: found {image.width}×{image.height} pixels, expected {LEAST_SIDE}×{LEAST_SIDE} or more; remove or replace it"
        )
    return _as_rgb(image), hashlib.sha256(content).hexdigest()


def read_bytes(path: Path) -> bytes:
    """Return the content of a file of a data set.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}), expected a file; restore or remove it") from None


def decode(content: bytes, path: Path, least_side: int | None = None) -> Image.Image:
    """Return the upright image, in its own mode, that ``content`` encodes; ``path`` is for messages.

    Raises:
        InputError: not a whole JPEG or PNG, or more than 2²⁶ pixels.
    """
    try:
        # The other formats of Pillow are not needed, and some of them start programs.
        image: Image.Image = Image.open(BytesIO(content), formats=("JPEG", "PNG"))
        if image.width * image.height <= MOST_PIXELS:
            if least_side:
                image.draft(None, (least_side, least_side))
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            return image
        found = f"{image.width}×{image.height} pixels, expected at most {MOST_PIXELS} in all"
    except Exception as error:  # a broken file makes Pillow raise nearly anything
        found = f"no whole JPEG or PNG image ({type(error).__name__}: {_without_addresses(error)}), expected one"
    raise InputError(f"{path}: found {found}; remove or replace it")


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits; Pillow's own conversion clips at 255
        image = Image.fromarray(((np.asarray(image).astype(np.int64) + 128) // 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == "RGB" else image.convert("RGB")  # which copies


def _without_addresses(error: Exception) -> str:
    return str(error).split(" <_io.")[0]
