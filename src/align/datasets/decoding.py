"""Decoding image files. No other module opens an image file."""

import hashlib
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageOps

from align.errors import InputError

# Pillow's other formats are rare, and some of them start other programs.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "TIFF", "GIF")
LEAST_SIDE = 8  # pixels
MOST_PIXELS = 2**26


def read_rgb(path: Path, least_side: int | None = None) -> tuple[Image.Image, str]:
    """Return the upright 8-bit RGB image of a JPEG or PNG file, and the SHA-256 of the file.

    Grey, palette, CMYK and 16-bit images are converted to RGB. Transparent images get a white background.

    Args:
        path: the file.
        least_side: pixels. A JPEG may be decoded at 1/2, 1/4 or 1/8 of its size while both sides keep at least this many.

    Raises:
        InputError: the file cannot be read or decoded whole, has a side of less than 8 pixels, or has more than 2²⁶ pixels.
    """
    content = read_bytes(path)
    image = decode(content, path, least_side)
    if min(image.size) < LEAST_SIDE:
        raise InputError(
            f"{path}: found {image.width}×{image.height} pixels, expected {LEAST_SIDE}×{LEAST_SIDE} or more; remove or replace it"
        )
    return _as_rgb(image), hashlib.sha256(content).hexdigest()


class Frame(NamedTuple):
    """The sizes of an image: width and height, pixels.

    Attributes:
        stored: as the file stores it.
        orientation: how EXIF turns it, from 1 (not at all) to 8.
        decoded: upright, as it is decoded.
    """

    stored: tuple[int, int]
    orientation: int
    decoded: tuple[int, int]

    @property
    def upright(self) -> tuple[int, int]:
        """Return the size after EXIF has turned the image."""
        return turned_size(self.stored, self.orientation)


def read_frame(path: Path, least_side: int | None = None) -> Frame:
    """Return the sizes of an image without decoding it. :func:`read_rgb` with the same arguments has the size ``decoded``.

    Raises:
        InputError: the file cannot be read, or is no image.
    """
    content = read_bytes(path)
    try:
        image: Image.Image = Image.open(BytesIO(content), formats=FORMATS)
    except Exception as error:  # on a broken file, Pillow raises almost any error
        raise InputError(f"{path}: found no whole image ({type(error).__name__}), expected one; remove or replace it") from None
    try:
        orientation = int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # metadata that cannot be read turn nothing
        orientation = 1
    orientation = orientation if 1 <= orientation <= 8 else 1
    stored = turned_size(image.size, orientation) if image.format == "TIFF" else image.size  # Pillow turns a TIFF by itself
    if least_side:
        image.draft(None, (least_side, least_side))
    return Frame(stored, orientation, image.size if image.format == "TIFF" else turned_size(image.size, orientation))


def turned_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Return width and height after EXIF has turned them. The orientations 5 to 8 exchange them."""
    return size[::-1] if orientation >= 5 else size


def read_bytes(path: Path) -> bytes:
    """Return the content of a file of a data set.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}), expected a file; restore or remove it") from None


def decode(content: bytes, path: Path, least_side: int | None = None) -> Image.Image:
    """Decode a JPEG or PNG and return the upright image in its own mode.

    Args:
        content: the bytes of the file.
        path: the file, for messages.
        least_side: see :func:`read_rgb`.

    Raises:
        InputError: ``content`` is no whole JPEG or PNG, or has more than 2²⁶ pixels.
    """
    try:
        image: Image.Image = Image.open(BytesIO(content), formats=FORMATS)
        if image.width * image.height <= MOST_PIXELS:
            if least_side:
                image.draft(None, (least_side, least_side))
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            return image
        found = f"{image.width}×{image.height} pixels, expected at most {MOST_PIXELS} in all"
    except Exception as error:  # on a broken file, Pillow raises almost any error
        found = f"no whole JPEG or PNG image ({type(error).__name__}: {_without_addresses(error)}), expected one"
    raise InputError(f"{path}: found {found}; remove or replace it")


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits, which Pillow's own conversion would clip at 255
        image = Image.fromarray(((np.asarray(image).astype(np.int64) + 128) // 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == "RGB" else image.convert("RGB")  # convert always copies


def _without_addresses(error: Exception) -> str:
    return str(error).split(" <_io.")[0]
