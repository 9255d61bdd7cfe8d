"""DigitScenes: real handwritten digits on the backgrounds of four domains, with the ground-truth mask of every digit.

The classes are the digits 0 to 4 of scikit-learn's ``load_digits``. The domains are crops of scikit-learn's two photographs,
noise of several scales, and oriented stripes. Scene k of a class has the same digit in all domains, with the same position,
size and colour.
"""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image
from sklearn.datasets import load_digits, load_sample_image

from align.datasets.folders import SETTINGS_RECORD
from align.datasets.source_settings import DigitScenesSettings
from align.files import whole_folder, write_json

Array = npt.NDArray[np.float64]

CLASSES = ("zero", "one", "two", "three", "four")
DIGIT_SIDE = (0.46, 0.68)  # share of the scene's side; a digit covers about a tenth of the scene
DIGIT_LIGHTNESS = (0.65, 1.0)
DIGIT_OPACITY = (0.7, 1.0)
BACKGROUND_BRIGHTNESS = 0.65


class Digit(NamedTuple):
    """A digit to paste on a background: its coverage S×S from 0 to 1, its RGB colour and its opacity."""

    coverage: Array
    colour: Array
    opacity: float


def generate(root: Path, settings: DigitScenesSettings) -> None:
    """Write the scenes to ``<root>/<domain>/<class>/digit<sample>-<reuse>.png``, their masks, and a record of the settings.

    ``sample`` is the digit's index in ``load_digits``. The masks, of 0 and 255, have the same paths under ``<root>/masks``. The
    same settings give the same bytes, and a scene does not depend on the number of scenes.

    Raises:
        InputError: ``root`` is not empty.
    """
    digits = load_digits()
    with whole_folder(root) as folder:
        write_json(folder / SETTINGS_RECORD, settings.model_dump(mode="json"))
        for label, name in enumerate(CLASSES):
            samples = np.flatnonzero(digits.target == label)
            for scene in range(settings.images_per_class):
                reuse, nth = divmod(scene, len(samples))
                file = f"{name}/digit{samples[nth]:04d}-{reuse}.png"
                generator = np.random.default_rng([settings.seed, label, scene])
                digit = render_digit(digits.images[samples[nth]], settings.image_size, generator)
                correlated = generator.random() < settings.background_correlation
                # From 1, since NumPy's seeds with and without a final 0 are the same.
                for number, (domain, background) in enumerate(BACKGROUNDS.items(), start=1):
                    generator = np.random.default_rng([settings.seed, label, scene, number])
                    theme = (label + generator.random()) / len(CLASSES) if correlated else generator.random()
                    _write(folder / domain / file, paste(digit, background(settings.image_size, theme, generator)))
                    _write(folder / "masks" / domain / file, (digit.coverage > 0.5).astype(float))


def render_digit(strokes: Array, size: int, generator: np.random.Generator) -> Digit:
    """Return a digit with a random position, size, colour and opacity.

    Args:
        strokes: the digit of ``load_digits``, 8×8, from 0 to 16.
        size: side S of the scene, pixels.
        generator: gives all random numbers.
    """
    side = round(size * _uniform(generator, *DIGIT_SIDE))
    image = Image.fromarray((strokes * (255 / 16)).astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
    top, left = generator.integers(0, size - side + 1, 2)
    coverage = np.zeros((size, size))
    coverage[top : top + side, left : left + side] = _unit(image)
    colour = DIGIT_LIGHTNESS[0] + (DIGIT_LIGHTNESS[1] - DIGIT_LIGHTNESS[0]) * generator.random(3)
    return Digit(coverage, colour, _uniform(generator, *DIGIT_OPACITY))


def paste(digit: Digit, background: Array) -> Array:
    """Return the digit over a background S×S×3 from 0 to 1. The background is darkened, so that every digit stands out."""
    alpha = digit.coverage[:, :, None] * digit.opacity
    return (1 - alpha) * BACKGROUND_BRIGHTNESS * background + alpha * digit.colour


def photograph(name: str, size: int, theme: float, generator: np.random.Generator) -> Array:
    """Return a square crop of one of scikit-learn's photographs; ``theme`` is its position from left to right."""
    image = _sample_image(name)
    side = image.height * _uniform(generator, 0.2, 0.5)
    left, top = theme * (image.width - side), generator.random() * (image.height - side)
    return _unit(image.resize((size, size), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side)))


def noise(size: int, theme: float, generator: np.random.Generator) -> Array:
    """Return coloured noise; ``theme`` is the logarithm of its scale, from 1/48 to 1/3 of the side."""
    cells = max(round(48 / 16**theme), 3)
    grid = (generator.random((cells, cells, 3)) * 256).astype(np.uint8)
    return _unit(Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC))


def stripes(size: int, theme: float, generator: np.random.Generator) -> Array:
    """Return 4 to 12 stripes of two colours; ``theme`` is their orientation, from 0 to π."""
    down, right = np.mgrid[:size, :size] / size
    frequency, phase = _uniform(generator, 4, 12), generator.random()
    along = frequency * (right * np.cos(np.pi * theme) + down * np.sin(np.pi * theme)) + phase
    wave = np.abs(2 * (along - np.floor(along)) - 1)
    share: Array = np.clip(0.5 + 3 * (wave - 0.5), 0, 1)[:, :, None]
    return share * generator.random(3) + (1 - share) * generator.random(3)


# Each background takes the scene's side S, a theme from 0 to 1 and a generator, and returns S×S×3 from 0 to 1. If a scene's
# background is correlated with its class, the theme lies in the class's fifth of that range.
BACKGROUNDS: dict[str, Callable[[int, float, np.random.Generator], Array]] = {
    "china": partial(photograph, "china.jpg"),
    "flower": partial(photograph, "flower.jpg"),
    "noise": noise,
    "stripes": stripes,
}


def _uniform(generator: np.random.Generator, low: float, high: float) -> float:
    return low + (high - low) * generator.random()


@cache
def _sample_image(name: str) -> Image.Image:
    return Image.fromarray(load_sample_image(name))


def _unit(image: Image.Image) -> Array:
    return np.asarray(image).astype(float) / 255


def _write(path: Path, values: Array) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((values * 255 + 0.5).astype(np.uint8)).save(path, format="PNG", compress_level=6, optimize=False)
