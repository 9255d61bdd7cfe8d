"""JPEG files for benchmarks. They are made from a real photograph, so they compress like photographs."""

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image


def write_photographs(folder: Path, count: int, width: int, height: int) -> list[Path]:
    """Write ``count`` different sections of a photograph, each ``width`` × ``height`` pixels. Return their paths."""
    photograph = Image.fromarray(load_sample_image("china.jpg"))
    random = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number}.jpg" for number in range(count)]
    for path in paths:
        left, top = random.uniform(0, 100, 2)
        photograph.resize((width, height), box=(left, top, left + 500, top + 300)).save(path, quality=88)
    return paths
