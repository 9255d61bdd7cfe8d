"""Which annotation file belongs to which image, by names alone. Every parse of the workflow asks, so no file is opened."""

import os
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from align.datasets.settings import GroundTruth
from align.errors import InputError

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".webp"})
SUFFIXES: Mapping[str, frozenset[str]] = {
    "masks": PICTURES,
    "probability": PICTURES,
    "colours": PICTURES,
    "voc_boxes": frozenset({".xml"}),
}
# What tools add to an image's name.
ENDING = re.compile(r"[ _.-](?:masks?|seg|segm|segmentation|gt|ground[ _-]?truth|labels?|trimap|matte)$", re.IGNORECASE)
DEEPEST = 4  # levels of folders below an entry's folder
COMPARED = 2000  # names in which the nearest one is looked for: more would take seconds


class Annotations(NamedTuple):
    """The files in the folder of one entry of ``ground_truth``, relative to it.

    Attributes:
        images: the images whose name each annotation file has, as ``<domain>/<class>/<name>``. It should be one image.
        without_image: annotation files that have no image's name.
        others: files that are no annotations of the entry's kind.
    """

    images: Mapping[str, Sequence[str]]
    without_image: Sequence[str]
    others: Sequence[str]

    @property
    def files(self) -> dict[str, list[str]]:
        """Return the annotation files of each image that has any."""
        files: dict[str, list[str]] = {}
        for file, images in self.images.items():
            for image in images:
                files.setdefault(image, []).append(file)
        return files


def find_annotations(truth: GroundTruth, root: Path, images: Iterable[str]) -> Annotations:
    """Return which annotation file has which image's name.

    A file lies in ``<domain>/<class>/``, ``<domain>/`` or ``<class>/`` below the entry's folder, or in the folder itself. Its
    name is the image's (``x.png`` or ``x.jpg.png`` for ``x.jpg``), or this and an ending such as ``_mask``. If some image has the
    name with its ending, the file is that image's. Unicode's composed and decomposed forms are the same.

    Args:
        truth: the entry.
        root: the data set's folder. Its images are no annotations, even if they lie in the entry's folder.
        images: every image of the data set, as ``<domain>/<class>/<name>``.

    Raises:
        InputError: the entry's folder is absent.
    """
    chosen = [image for image in images if truth.domain in (None, _domain(image))]
    own = set(_relative_to_folder(truth.folder, root, chosen))
    files = [file for file in _list(truth.folder) if file not in own]
    annotations = [file for file in files if _suffix(file) in SUFFIXES[truth.kind]]
    by_name = _by_name(chosen, {_place(file) for file in annotations})
    found = {file: _images_of(file, by_name) for file in annotations}
    return Annotations(
        {file: named for file, named in found.items() if named},
        [file for file, named in found.items() if not named],
        [file for file in files if file not in found],
    )


def annotation_files(ground_truth: Iterable[GroundTruth], root: Path, images: Collection[str], domain: str) -> list[Path]:
    """Return the annotation files that have the name of an image of ``domain``, sorted. The packed ground truth depends on these.

    Args:
        ground_truth: the entries of the data set.
        root: the data set's folder.
        images: every image of the data set, as ``<domain>/<class>/<name>``.
        domain: one of its domains.
    """
    return sorted(
        truth.folder / file
        for truth in ground_truth
        for file, named in find_annotations(truth, root, images).images.items()
        if any(image.startswith(f"{domain}/") for image in named)
    )


def annotated_domains(ground_truth: Iterable[GroundTruth], root: Path, images: Collection[str]) -> set[str]:
    """Return the domains of which at least one image has an annotation file. The arguments are as above."""
    return {
        _domain(image)
        for truth in ground_truth
        for named in find_annotations(truth, root, images).images.values()
        for image in named
    }


def require_annotations(place: str, truth: GroundTruth, annotations: Annotations, images: Sequence[str]) -> None:
    """Check that an entry has an annotation for at least one image, and no name that fits two.

    Args:
        place: the entry's place in the configuration, for messages.
        truth: the entry.
        annotations: what :func:`find_annotations` returned.
        images: every image that the entry may serve, at least one.

    Raises:
        InputError: there is none, or there is such a name. The content of a file of boxes may say whose it is, so a file of boxes
            that fits two images is none of these.
    """
    if not annotations.images:
        raise InputError(_no_annotation(place, truth, annotations, images))
    several = [(file, named) for file, named in annotations.images.items() if len(named) > 1]
    if several and truth.kind != "voc_boxes":
        raise InputError(f"{place}: {one_file_for_images(truth, *several[0])}{_and_more(len(several))}")
    for image, files in annotations.files.items():
        if len(files) > 1:
            more = _and_more(sum(len(files) > 1 for files in annotations.files.values()))
            raise InputError(
                f"{place}: found {files[0]!r} and {files[1]!r} in {truth.folder}, which both have the name of the image "
                f"{image!r}, expected one file for an image; remove or rename one{more}"
            )


def one_file_for_images(truth: GroundTruth, file: str, images: Sequence[str]) -> str:
    """Return a message that one annotation file has the name of several images, and what to do."""
    one = images[0]
    other = next((image for image in images if _domain(image) != _domain(one)), images[1])
    suffix = PurePosixPath(file).suffix
    if PurePosixPath(one).parent == PurePosixPath(other).parent:
        remedy = f"name it as the whole file of its image, as in '{PurePosixPath(one).name}{suffix}'"
    else:
        remedy = f"put it into a folder <domain>/<class>/, as in '{truth.folder / PurePosixPath(one).with_suffix(suffix)}'"
    if _domain(one) != _domain(other):
        remedy += "; if all these files are of one domain, name it with `domain:`"
    return (
        f"found one file, {truth.folder / file}, with the name of the images {one!r} and {other!r}, expected a file for each; "
        f"{remedy}"
    )


def _list(folder: Path) -> list[str]:
    """Return the files below ``folder``, relative to it, sorted. Hidden files and folders do not count."""
    if not folder.is_dir():
        raise InputError(f"{folder}: found no such folder, expected annotations in it; correct `folder:`")
    return sorted(_files(os.fspath(folder), "", DEEPEST))


def _files(folder: str, prefix: str, depth: int) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if not entry.is_dir():
                yield prefix + entry.name
            elif depth:
                yield from _files(entry.path, f"{prefix}{entry.name}/", depth - 1)


def _relative_to_folder(folder: Path, root: Path, images: Iterable[str]) -> Iterator[str]:
    """Yield the images relative to an entry's folder, if the data set's folder lies in it."""
    folder, root = folder.resolve(), root.resolve()
    if root.is_relative_to(folder):
        prefix = root.relative_to(folder)
        yield from images if prefix == Path() else (f"{prefix.as_posix()}/{image}" for image in images)


def _by_name(images: Iterable[str], places: set[str]) -> dict[tuple[str, str], list[str]]:
    """Return the images by each place of ``places`` at which their annotation may lie, and by each name that it may have."""
    by_name: dict[tuple[str, str], list[str]] = {}
    for image in images:
        domain, label, name = _same(image).split("/", 2)
        for place in {f"{domain}/{label}", domain, label, ""} & places:
            for key in (name, _stem(name)):
                by_name.setdefault((place, key), []).append(image)
    return by_name


def _images_of(file: str, by_name: Mapping[tuple[str, str], list[str]]) -> list[str]:
    place, _, name = _same(file).rpartition("/")
    stem = _stem(name)
    return by_name.get((place, stem)) or by_name.get((place, ENDING.sub("", stem)), [])


def _domain(image: str) -> str:
    return image.split("/", 1)[0]


def _place(file: str) -> str:
    return _same(file).rpartition("/")[0]


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name  # pathlib takes five times as long


def _suffix(name: str) -> str:
    return "".join(name.rpartition(".")[1:]).lower()


def _same(name: str) -> str:
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def _no_annotation(place: str, truth: GroundTruth, annotations: Annotations, images: Sequence[str]) -> str:
    suffixes = ", ".join(sorted(SUFFIXES[truth.kind]))
    if not annotations.without_image:
        others = f"only {len(annotations.others)} others such as {annotations.others[0]!r}" if annotations.others else "nothing"
        found = f"{others} in {truth.folder}"
        image = images[0]
    else:
        found = f"{len(annotations.without_image)} files in {truth.folder} such as {annotations.without_image[0]!r}"
        image = _nearest(annotations.without_image[0], images)
    return (
        f"{place}: found no file with the name of an image, but {found}, expected {_expected(truth, image)!r} for the image "
        f"{image!r}, or another of these ({suffixes}); rename the files, or correct `folder:`"
    )


def _expected(truth: GroundTruth, image: str) -> str:
    path = PurePosixPath(image)
    if truth.kind == "masks":
        return path.with_suffix(".png").as_posix()
    return path.stem + (".xml" if truth.kind == "voc_boxes" else ".png")


def _nearest(file: str, images: Sequence[str]) -> str:
    """Return the image whose name is the nearest to that of a file."""
    parts = PurePosixPath(file).with_suffix("").parts
    by_name = {"/".join(PurePosixPath(image).with_suffix("").parts[-len(parts) :]): image for image in images[:COMPARED]}
    return by_name[get_close_matches("/".join(parts), by_name, n=1, cutoff=0)[0]]


def _and_more(number: int) -> str:
    return f" (the same for {number - 1} more)" if number > 1 else ""
