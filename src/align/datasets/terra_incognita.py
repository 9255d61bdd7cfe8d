"""Terra Incognita: four locations of Caltech Camera Traps, with ten of its classes (Beery et al., ECCV 2018).

DomainBed (arXiv:2007.01434) counts 24,788 images. Another number is to be expected: DomainBed's script once read the annotations
of all of Caltech Camera Traps (``caltech_images_20210113.json``) and now reads the five files of the ECCV 2018 paper, as is done
here; and it copies an image that names two classes into both, where here one image has one class.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from align.acquisition.extraction import ArchiveFile, extract, regular_files
from align.errors import InputError
from align.files import whole_folder, write_json
from align.settings import Section

LOG = logging.getLogger("align")

LOCATIONS = frozenset({"38", "43", "46", "100"})
CLASSES = frozenset({"bird", "bobcat", "cat", "coyote", "dog", "empty", "opossum", "rabbit", "raccoon", "squirrel"})
ANNOTATION_FILES = frozenset({"cis_test", "cis_val", "train", "trans_test", "trans_val"})
PUBLISHED_TOTAL = 24_788


class _Record(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)  # some releases write locations and identifiers as numbers


class Category(_Record):
    """A class of an annotation file."""

    id: str
    name: str


class Image(_Record):
    """An image of an annotation file; its names become file names, so that nothing else may stand in them."""

    id: str
    file_name: Annotated[str, Field(pattern=r"^[^./\\:\x00-\x1f][^/\\:\x00-\x1f]*\.(?i:jpg|jpeg|png)$")]
    location: str
    seq_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")] | None = None


class Annotation(_Record):
    """One annotation of an image; an image with two animals has two."""

    image_id: str
    category_id: str
    id: str


class AnnotationFile(_Record):
    """What is used of an annotation file of Caltech Camera Traps."""

    categories: list[Category]
    images: list[Image]
    annotations: list[Annotation]


class Photograph(NamedTuple):
    """An image at one of the four locations.

    Attributes:
        location: without the ``L`` of its domain.
        sequence: the burst of frames that it belongs to.
        classes: those of the ten that its annotations name, sorted.
        annotations: how many it has, of any class.
    """

    location: str
    sequence: str | None
    classes: tuple[str, ...]
    annotations: int


class Index(NamedTuple):
    """What the annotation files say of the four locations.

    Attributes:
        photographs: by file name.
        outside: annotations of them whose class is outside the ten.
        unlisted: annotations, of any location, of images that no file lists.
    """

    photographs: Mapping[str, Photograph]
    outside: int
    unlisted: int


def bring(root: Path, settings: Section, images: ArchiveFile, annotations: ArchiveFile) -> None:
    """Write ``<root>/L<location>/<class>/<sequence>_<file name>`` and ``<root>/acquisition.json``, the counts.

    The frames of a burst are almost the same photograph; a ``split_group`` of their common prefix keeps them in one split.

    Raises:
        InputError: see :func:`align.acquisition.extraction.extract`; annotations that cannot be used; an image archive without
            any of the annotated images; there is something at ``root`` already.
    """
    files = read_annotations(annotations)
    index = index_annotations(files)
    held: set[str] = set()

    def place(member: PurePosixPath) -> PurePosixPath | str:
        photograph = index.photographs.get(member.name)
        if photograph is None:
            return "not listed at the four locations"
        held.add(member.name)
        return destination(member.name, photograph) or "not of one class"

    with whole_folder(root) as folder:
        if not extract(images, folder, place).written:
            raise InputError(
                f"{images.path}: found none of the {len(index.photographs)} images that {annotations.path} lists at locations "
                "38, 43, 46 and 100; take both archives from the same publisher, or correct `archive:`"
            )
        report = summary(index, held) | {"annotation_files": sorted(files), "incomplete": incomplete(files, index, held)}
        write_json(folder / "acquisition.json", report)
    LOG.info("%s: %d images, %+d to the published %d", root, report["images"], report["difference"], PUBLISHED_TOTAL)


def incomplete(files: Collection[str], index: Index, held: Collection[str]) -> list[str]:
    """Return what is missing of the two archives, in words: images of the data set, or annotation files."""
    absent = sum(len(each.classes) == 1 and name not in held for name, each in index.photographs.items())
    missing = [f"the archive lacks {absent} of the images that are listed for it"] if absent else []
    names = {PurePosixPath(file).name.removesuffix("_annotations.json") for file in files}
    if unread := sorted(ANNOTATION_FILES - names):
        missing.append(f"the annotations of {', '.join(unread)} are missing")
    return missing


def read_annotations(archive: ArchiveFile) -> dict[str, AnnotationFile]:
    """Return every ``*_annotations.json`` of an archive, by its path in it.

    Raises:
        InputError: none, or one that is not an annotation file of Caltech Camera Traps.
    """
    with closing(regular_files(archive)) as members:
        files = {
            str(path): parse_annotations(b"".join(chunks), f"{archive.path}: {path}")
            for path, chunks in members
            if path.name.endswith("_annotations.json") and not path.name.startswith(".")
        }
    if not files:
        raise InputError(
            f"{archive.path}: found no file *_annotations.json, expected the five of eccv_18_annotations.tar.gz; "
            "correct `archive:` of the annotations"
        )
    return files


def parse_annotations(content: bytes, name: str) -> AnnotationFile:
    """Return the content of the annotation file ``name``.

    Raises:
        InputError: it has another form; the message names the first place.
    """
    try:
        return AnnotationFile.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        found = "" if first["type"] == "missing" else f", found {str(first['input'])[:80]!r}"
        raise InputError(
            f"{name}: {place}: {first['msg']}{found}; expected an annotation file of Caltech Camera Traps, with categories, "
            "images and annotations; take the archive from its publisher"
        ) from None


def index_annotations(files: Mapping[str, AnnotationFile]) -> Index:
    """Join images and annotations, in one pass over each; what several files say of an image counts once.

    Raises:
        InputError: two files that say different things of an image, or an annotation whose class its file does not name.
    """
    listed: dict[str, Image] = {}
    file_names: dict[str, str] = {}  # by the image's identifier
    for name, file in files.items():
        for image in file.images:
            first = listed.setdefault(image.file_name, image)
            if first.location != image.location:
                raise _conflict(
                    name, f"{image.file_name} at location {image.location}", f"location {first.location} as elsewhere"
                )
            if file_names.setdefault(image.id, image.file_name) != image.file_name:
                raise _conflict(name, f"image {image.id} as {image.file_name}", f"{file_names[image.id]} as elsewhere")
    unlisted = 0
    labels: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)  # identifier and class of annotations
    for name, file in files.items():
        classes = {category.id: category.name for category in file.categories}
        for annotation in file.annotations:
            if annotation.category_id not in classes:
                raise _conflict(
                    name, f"category {annotation.category_id} of image {annotation.image_id}", "one of its `categories`"
                )
            if annotation.image_id not in file_names:
                unlisted += 1
            else:
                labels[file_names[annotation.image_id]].add((annotation.id, classes[annotation.category_id]))
    photographs = {
        file_name: Photograph(
            image.location,
            image.seq_id,
            tuple(sorted({label for _, label in labels[file_name]} & CLASSES)),
            len(labels[file_name]),
        )
        for file_name, image in listed.items()
        if image.location in LOCATIONS
    }
    outside = sum(label not in CLASSES for file_name in photographs for _, label in labels[file_name])
    return Index(photographs, outside, unlisted)


def _conflict(name: str, found: str, expected: str) -> InputError:
    return InputError(f"{name}: found {found}, expected {expected}; take the annotations from their publisher")


def destination(file_name: str, photograph: Photograph) -> PurePosixPath | None:
    """Return where an image goes below the data set's folder; None for one that has not exactly one of the ten classes."""
    if len(photograph.classes) != 1:
        return None
    name = f"{photograph.sequence}_{file_name}" if photograph.sequence else file_name
    return PurePosixPath(f"L{photograph.location}", photograph.classes[0], name)


def summary(index: Index, held: Collection[str]) -> dict[str, Any]:
    """Count what becomes an image of the data set, and what does not and why.

    Args:
        index: what the annotations say.
        held: file names of the images that the archive holds.

    Returns:
        ``images``; ``left_out``, by reason; ``several_annotations``, listed images with more than one; ``published_by_DomainBed``
        and our ``difference`` to it; ``images_by_DomainBed_rule``, the files that DomainBed makes from the same archives: an
        image for each of its classes.
    """
    photographs = index.photographs
    wanted = [name for name, each in photographs.items() if len(each.classes) == 1]
    images = sum(name in held for name in wanted)
    left_out = {
        "annotation of a class outside the ten": index.outside,
        "annotation of an image that no file lists": index.unlisted,
        "image names no class of the ten": sum(not each.classes and each.annotations > 0 for each in photographs.values()),
        "image names several of the ten classes": sum(len(each.classes) > 1 for each in photographs.values()),
        "image not in the archive": len(wanted) - images,
        "image without annotation": sum(each.annotations == 0 for each in photographs.values()),
    }
    return {
        "images": images,
        "left_out": left_out,
        "several_annotations": sum(each.annotations > 1 for each in photographs.values()),
        "published_by_DomainBed": PUBLISHED_TOTAL,
        "difference": images - PUBLISHED_TOTAL,
        "images_by_DomainBed_rule": sum(len(each.classes) for name, each in photographs.items() if name in held),
    }
