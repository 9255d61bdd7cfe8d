"""From archives to packed arrays, compared with what a user would write. Sizes are Terra Incognita's; the content is made up."""

import json
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from PIL import Image
from torchvision.transforms import v2

from align.acquisition.archive_file import ArchiveFile
from align.acquisition.extraction import extract
from align.datasets.image_folder import index
from align.datasets.terra_incognita import index_annotations, parse_annotations
from align.preparation.packing import pack_domain
from benchmarks.photographs import write_photographs
from benchmarks.timing import interleaved, table, with_goals

WIDTH, HEIGHT, SIZE = 1024, 747, 224
IMAGES, ANNOTATED, ROUNDS = 48, 24_000, 5
CLASSES = ("bird", "cat")
GOAL = 150.0  # images per second that one core packs at least


def data() -> pd.DataFrame:
    """Return rows for extraction, listing, packing and the index over annotations."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        for class_name in CLASSES:
            write_photographs(folder / "images/L38" / class_name, IMAGES // len(CLASSES), WIDTH, HEIGHT)
        archive = folder / "images.tar.gz"
        with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
            tar.add(folder / "images", "images")
        return pd.concat([_extraction(archive, folder), _packing(folder), _annotations()])


def _extraction(archive: Path, folder: Path) -> pd.DataFrame:
    def checked() -> None:
        with TemporaryDirectory(dir=folder) as target:
            extract(ArchiveFile(archive, 10**9), Path(target), lambda member: member)

    def plain() -> None:
        with TemporaryDirectory(dir=folder) as target, tarfile.open(archive) as tar:
            tar.extractall(target, filter="data")

    seconds = interleaved({"extract": checked, "tarfile.extractall": plain}, ROUNDS)
    return table("extraction", {"size": WIDTH, "batch_size": IMAGES}, IMAGES, seconds, "tarfile.extractall")


def _packing(folder: Path) -> pd.DataFrame:
    root = folder / "images"
    manifest = index(root).manifest
    paths = [root / path for path in manifest["path"]]
    resize = v2.Compose([v2.Resize(SIZE), v2.CenterCrop(SIZE)])

    def packing() -> None:
        pack_domain(root, manifest, SIZE, "crop", folder / "images.npy")

    def torchvision() -> None:
        np.save(folder / "plain.npy", np.stack([np.asarray(resize(Image.open(path).convert("RGB"))) for path in paths]))

    contenders = {"index": lambda: index(root), "pack": packing, "Pillow and torchvision, one array": torchvision}
    seconds = interleaved(contenders, ROUNDS)
    configuration = {"size": SIZE, "batch_size": IMAGES}
    rows = table("listing and packing", configuration, IMAGES, seconds, "Pillow and torchvision, one array")
    return with_goals(rows, {"pack": GOAL}, "per_second")


def _annotations() -> pd.DataFrame:
    content = json.dumps(
        {
            "categories": [{"id": number, "name": name} for number, name in enumerate(CLASSES)],
            "images": [{"id": f"{n}", "file_name": f"{n}.jpg", "location": 38, "seq_id": "s"} for n in range(ANNOTATED)],
            "annotations": [{"id": f"{n}", "image_id": f"{n}", "category_id": n % 2} for n in range(ANNOTATED)],
        }
    ).encode()
    seconds = interleaved({"read and join": lambda: index_annotations({"train": parse_annotations(content, "train")})}, ROUNDS)
    return table("annotations", {"batch_size": ANNOTATED}, ANNOTATED, seconds, "read and join")
