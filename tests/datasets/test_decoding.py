import hashlib
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from align.datasets.decoding import ANIMATED, NO_METADATA, TWELVE_OF_SIXTEEN, read_rgb
from align.errors import InputError

ORIENTATION = 0x0112
RED = (220, 30, 30)


def rgb(width: int = 12, height: int = 10, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8))


def test_a_truncated_png_is_an_error(tmp_path):
    path = tmp_path / "2.png"
    rgb().save(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"2\.png: found no whole image"):
        read_rgb(path)


def test_a_file_of_another_format_is_an_error(tmp_path):
    rgb().save(tmp_path / "image.png", format="TGA")
    with pytest.raises(InputError, match="found no whole image"):
        read_rgb(tmp_path / "image.png")


def test_the_format_is_told_by_the_content(tmp_path):
    rgb().save(tmp_path / "image.jpg", format="PNG")
    assert np.array_equal(np.asarray(read_rgb(tmp_path / "image.jpg")[0]), np.asarray(rgb()))


def test_a_decompression_bomb_is_not_unpacked(tmp_path):
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 9000, 9000, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    with pytest.raises(InputError, match=r"bomb\.png: found 9000×9000 pixels, expected at most"):
        read_rgb(tmp_path / "bomb.png")


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    values = np.linspace(0, 65535, 256).round().astype(np.uint16).reshape(16, 16)
    Image.fromarray(values).save(tmp_path / "deep.png")
    image = np.asarray(read_rgb(tmp_path / "deep.png")[0])
    assert np.array_equal(image, np.repeat(np.arange(256).reshape(16, 16, 1), 3, axis=2))


def test_grey_palette_and_one_bit_become_rgb(tmp_path):
    grey = np.arange(0, 256, 4, dtype=np.uint8).reshape(8, 8)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    assert np.array_equal(np.asarray(read_rgb(tmp_path / "grey.png")[0]), np.repeat(grey[:, :, None], 3, axis=2))
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    palette.save(tmp_path / "palette.png")
    assert (np.asarray(read_rgb(tmp_path / "palette.png")[0]) == (10, 20, 30)).all()
    Image.new("1", (8, 8), 1).save(tmp_path / "bit.png")
    assert (np.asarray(read_rgb(tmp_path / "bit.png")[0]) == 255).all()


def test_what_is_transparent_is_laid_on_white(tmp_path):
    Image.new("LA", (8, 8), (0, 102)).save(tmp_path / "la.png")
    assert (np.asarray(read_rgb(tmp_path / "la.png")[0]) == 153).all()
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(tmp_path / "rgba.png")
    assert (np.asarray(read_rgb(tmp_path / "rgba.png")[0]) == 255).all()
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([10, 20, 30])
    palette.save(tmp_path / "palette.png", transparency=0)
    assert (np.asarray(read_rgb(tmp_path / "palette.png")[0]) == 255).all()


def test_cmyk_becomes_rgb(tmp_path):
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "cmyk.jpg", quality=95)
    red, green, blue = np.asarray(read_rgb(tmp_path / "cmyk.jpg")[0]).reshape(-1, 3).mean(axis=0)
    assert red > 240
    assert max(green, blue) < 15


def test_exif_rotation_is_applied(tmp_path):
    image = Image.new("RGB", (32, 16), "black")
    image.paste("white", (0, 0, 16, 16))
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # to be turned by 90° clockwise: left becomes top
    image.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    upright, _, _ = read_rgb(tmp_path / "turned.jpg")
    assert upright.size == (16, 32)
    pixels = np.asarray(upright)
    assert pixels[:15].min() > 240
    assert pixels[17:].max() < 15


def test_a_large_jpeg_is_reduced_no_further_than_asked(tmp_path):
    Image.new("RGB", (1000, 600), (200, 100, 50)).save(tmp_path / "large.jpg", quality=95)
    assert read_rgb(tmp_path / "large.jpg")[0].size == (1000, 600)
    reduced, sha256, _ = read_rgb(tmp_path / "large.jpg", least_side=128)
    assert reduced.size == (250, 150)
    assert np.abs(np.asarray(reduced).astype(int) - (200, 100, 50)).max() <= 3
    assert sha256 == hashlib.sha256((tmp_path / "large.jpg").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        *((suffix, {}) for suffix in ("bmp", "dib", "tif", "gif", "png", "webp", "avif")),
        *((suffix, {"format": "JPEG", "quality": 95}) for suffix in ("jpe", "jfif", "JPG")),
        ("tiff", {"compression": "tiff_lzw"}),
        ("webp", {"lossless": True}),
        ("mpo", {"format": "MPO", "save_all": True, "append_images": [Image.new("RGB", (16, 16), "blue")]}),
    ],
)
def test_kinds_of_images_show_what_a_viewer_shows(tmp_path, suffix, options):
    Image.new("RGB", (16, 16), RED).save(tmp_path / f"image.{suffix}", **options)
    image, _, remarks = read_rgb(tmp_path / f"image.{suffix}")
    assert np.abs(np.asarray(image).astype(int) - RED).max() <= 12
    assert remarks == ()


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif"])
def test_of_several_frames_the_first_is_used_and_it_is_remarked(tmp_path, suffix):
    path = tmp_path / f"frames.{suffix}"
    Image.new("RGB", (16, 16), RED).save(path, save_all=True, append_images=[Image.new("RGB", (16, 16), "blue")])
    image, _, remarks = read_rgb(path)
    assert np.abs(np.asarray(image).astype(int) - RED).max() <= 12
    assert remarks == (ANIMATED,)


def test_twelve_bits_in_sixteen_are_not_nearly_black(tmp_path):
    values = np.linspace(0, 4095, 256).round().astype(np.uint16).reshape(16, 16)
    Image.fromarray(values).save(tmp_path / "camera.png")
    image, _, remarks = read_rgb(tmp_path / "camera.png")
    assert np.array_equal(np.asarray(image)[:, :, 0], np.arange(256).reshape(16, 16))
    assert remarks == (TWELVE_OF_SIXTEEN,)


def test_values_that_no_image_has_are_an_error(tmp_path):
    Image.fromarray(np.full((16, 16), 0.5, np.float32)).save(tmp_path / "depth.tif")
    with pytest.raises(InputError, match=r"depth\.tif: found values from 0\.5 to 0\.5 \(mode F\), expected 8 or 16 bits"):
        read_rgb(tmp_path / "depth.tif")


def jpeg_with(segment: bytes, folder) -> bytes:
    rgb(16, 16).save(folder / "plain.jpg", quality=95)
    content = (folder / "plain.jpg").read_bytes()
    return content[:2] + segment + content[2:]


def png_with(chunk: bytes, folder) -> bytes:
    rgb(16, 16).save(folder / "plain.png")
    content = (folder / "plain.png").read_bytes()
    return content[:33] + chunk + content[33:]  # behind the header


def app1(body: bytes, marker: int = 0xE1) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def chunk(kind: bytes, body: bytes, checksum: int | None = None) -> bytes:
    return (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body) if checksum is None else checksum)
    )


BROKEN_METADATA = {
    "exif of no TIFF": lambda folder: jpeg_with(app1(b"Exif\0\0nothing"), folder),
    "exif that points beyond its end": lambda folder: jpeg_with(
        app1(b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x05\0\x01\0\0\0\xff\xff\xff\x7f"), folder
    ),
    "views of an MPO that are not there": lambda folder: jpeg_with(app1(b"MPF\0II*\0\xff\xff\0\0", 0xE2), folder),
    "a Photoshop block that is cut": lambda folder: jpeg_with(
        app1(b"Photoshop 3.0\x008BIM\x03\xed\0\0\0\0\0\x10\0", 0xED), folder
    ),
    "PNG text with a wrong checksum": lambda folder: png_with(chunk(b"tEXt", b"Title\0a", checksum=1), folder),
    "PNG text that unpacks to too much": lambda folder: png_with(
        chunk(b"zTXt", b"Title\0\0" + zlib.compress(b"\0" * 2**21)), folder
    ),
    "a PNG's colour profile that is no profile": lambda folder: png_with(chunk(b"iCCP", b"x\0\0nothing"), folder),
    "a PNG's exif with a wrong checksum": lambda folder: png_with(chunk(b"eXIf", b"II*\0", checksum=1), folder),
}


@pytest.mark.parametrize("kind", BROKEN_METADATA)
def test_whole_pixels_with_broken_metadata_are_used(tmp_path, kind):
    content = BROKEN_METADATA[kind](tmp_path)
    whole = tmp_path / ("plain.jpg" if content.startswith(b"\xff\xd8") else "plain.png")
    (tmp_path / "broken").write_bytes(content)
    image, checksum, remarks = read_rgb(tmp_path / "broken")
    assert np.array_equal(np.asarray(image), np.asarray(Image.open(whole)))
    assert checksum == hashlib.sha256(content).hexdigest()
    assert set(remarks) <= {NO_METADATA}


def test_broken_metadata_does_not_excuse_broken_pixels(tmp_path):
    for name, make in BROKEN_METADATA.items():
        content = make(tmp_path)
        (tmp_path / "broken").write_bytes(content[: len(content) * 3 // 4])
        with pytest.raises(InputError, match="found no whole image"):
            read_rgb(tmp_path / "broken")
            pytest.fail(name)
