"""Decoding image files. No other module opens an image file."""

import hashlib
import struct
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageOps, features

from align.errors import InputError

# Pillow's other formats are rare, and some of them start other programs.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "TIFF", "GIF", *["AVIF"] * features.check_module("avif"))
LEAST_SIDE = 8  # pixels
MOST_PIXELS = 2**26
TWELVE_BITS, SIXTEEN_BITS = 4095, 65535

ANIMATED = "has several frames; the first is used"
NO_METADATA = "has metadata that cannot be read; the pixels are whole, and taken as upright"
TWELVE_OF_SIXTEEN = "has 16 bits, but no value above 4095; taken as 12 bits"


class Decoded(NamedTuple):
    """An image file.

    Attributes:
        image: the upright image, 8-bit RGB.
        sha256: the checksum of the file.
        remarks: what was passed over or decided.
    """

    image: Image.Image
    sha256: str
    remarks: tuple[str, ...]


def read_rgb(path: Path, least_side: int | None = None) -> Decoded:
    """Return the upright 8-bit RGB image of a file.

    Grey, palette, CMYK and 16-bit images are converted to RGB. Transparent images get a white background. Of an image with
    several frames, the first one is taken.

    Args:
        path: the file.
        least_side: pixels. A JPEG may be decoded at 1/2, 1/4 or 1/8 of its size while both sides keep at least this many.

    Raises:
        InputError: the file cannot be read or decoded whole, has a side of less than 8 pixels, or has more than 2²⁶ pixels.
    """
    content = read_bytes(path)
    image, remarks = _decode(content, path, least_side)
    if min(image.size) < LEAST_SIDE:
        raise InputError(
            f"{path}: found {image.width}×{image.height} pixels, expected {LEAST_SIDE}×{LEAST_SIDE} or more; remove or replace it"
        )
    rgb, more = _as_rgb(image, path)
    return Decoded(rgb, hashlib.sha256(content).hexdigest(), remarks + more)


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
    """Decode an image and return it upright, in its own mode.

    Args:
        content: the bytes of the file.
        path: the file, for messages.
        least_side: see :func:`read_rgb`.

    Raises:
        InputError: ``content`` is no whole image of one of ``FORMATS``, or has more than 2²⁶ pixels.
    """
    return _decode(content, path, least_side)[0]


def _decode(content: bytes, path: Path, least_side: int | None) -> tuple[Image.Image, tuple[str, ...]]:
    """Return the upright image in its own mode, and what was passed over."""
    remarks: tuple[str, ...] = ()
    try:
        image = _pixels(content, path, least_side)
    except InputError:
        raise
    except Exception as error:  # on a broken file, Pillow raises almost any error
        try:  # perhaps only the metadata is broken
            image, remarks = _pixels(b"".join(_without_metadata(content)), path, least_side), (NO_METADATA,)
        except Exception:
            raise InputError(
                f"{path}: found no whole image ({type(error).__name__}: {_without_addresses(error)}), expected a JPEG, PNG, "
                "WebP, BMP, TIFF, GIF or AVIF; repair, replace or remove it"
            ) from error
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except Exception:
        remarks = (NO_METADATA,)
    return image, remarks + (ANIMATED,) * _has_frames(content)


def _pixels(content: bytes, path: Path, least_side: int | None) -> Image.Image:
    image: Image.Image = Image.open(BytesIO(content), formats=FORMATS)
    if image.width * image.height > MOST_PIXELS:
        raise InputError(
            f"{path}: found {image.width}×{image.height} pixels, expected at most {MOST_PIXELS} in all; remove or replace it"
        )
    if least_side:
        image.draft(None, (least_side, least_side))
    image.load()
    return image


def _has_frames(content: bytes) -> bool:
    """Return whether an image has frames or pages after the first. The further views in an MPO, a camera's JPEG, do not count."""
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            return image.format != "MPO" and getattr(image, "n_frames", 1) > 1
    except Exception:  # the frames behind a whole first one may be broken
        return False


def _without_metadata(content: bytes) -> Iterator[bytes]:
    """Yield the parts of a JPEG or PNG that its pixels need. Anything else is yielded as it is."""
    if content.startswith(b"\xff\xd8"):
        yield from _jpeg_without_metadata(content)
    elif content.startswith(b"\x89PNG\r\n\x1a\n"):
        yield content[:8]
        start = 8
        while len(content) >= start + 8:
            (length,), kind = struct.unpack_from(">I", content, start), content[start + 4 : start + 8]
            end = start + length + 12
            if kind[:1].isupper() or kind == b"tRNS":  # a capital letter: needed
                yield content[start:end]
            start = end
    else:
        yield content


def _jpeg_without_metadata(content: bytes) -> Iterator[bytes]:
    yield content[:2]
    start = 2
    while len(content) >= start + 4:
        marker, (length,) = content[start + 1], struct.unpack_from(">H", content, start + 2)
        if content[start] != 0xFF or marker == 0xDA:  # the pixels begin
            break
        end = start + 2 + length
        # APP0 (JFIF) and APP14 (Adobe) tell the colour space. The others are metadata, and so are comments.
        if marker in (0xE0, 0xEE) or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            yield content[start:end]
        start = end
    yield content[start:]


def _as_rgb(image: Image.Image, path: Path) -> tuple[Image.Image, tuple[str, ...]]:
    remarks: tuple[str, ...] = ()
    if image.mode.startswith(("I", "F")):  # 16 bits or more, which Pillow's own conversion would clip at 255
        values = np.asarray(image)
        if image.mode == "F" or values.min() < 0 or values.max() > SIXTEEN_BITS:
            raise InputError(
                f"{path}: found values from {values.min():g} to {values.max():g} (mode {image.mode}), expected 8 or 16 bits; "
                "convert it"
            )
        most = TWELVE_BITS if values.max() <= TWELVE_BITS else SIXTEEN_BITS
        remarks = (TWELVE_OF_SIXTEEN,) * (most == TWELVE_BITS)
        image = Image.fromarray(((values.astype(np.int64) * 255 + most // 2) // most).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == "RGB" else image.convert("RGB"), remarks  # convert always copies


def _without_addresses(error: Exception) -> str:
    return str(error).split(" <_io.")[0]
