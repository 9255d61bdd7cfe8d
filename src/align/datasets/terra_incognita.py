"""Terra Incognita: four locations of Caltech Camera Traps, with ten of its classes (Beery et al., ECCV 2018).

DomainBed (arXiv:2007.01434) counts 24,788 images. The number here will differ, for two reasons. DomainBed's script once read the
annotations of all of Caltech Camera Traps (``caltech_images_20210113.json``), and now reads the five files of the ECCV 2018
paper, as this module does. And DomainBed copies an image that names two classes into both, while here an image has one class.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from align.acquisition.archive_file import ArchiveFile
from align.acquisition.extraction import extract, regular_files
from align.errors import InputError
from align.files import whole_folder, write_json
from align.settings import Section

LOG = logging.getLogger("align")

LOCATIONS = frozenset({"38", "43", "46", "100"})
CLASSES = frozenset({"bird", "bobcat", "cat", "coyote", "dog", "empty", "opossum", "rabbit", "raccoon", "squirrel"})
ANNOTATION_FILES = frozenset({"cis_test", "cis_val", "train", "trans_test", "trans_val"})
PUBLISHED_TOTAL = 24_788


class _Record(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)  # in some releases, locations and identifiers are numbers


class Category(_Record):
    """A class of an annotation file."""

    id: str
    name: str


class Image(_Record):
    """An image of an annotation file. Its file name and sequence become a file name, so the patterns allow nothing else."""

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
    """The used part of an annotation file of Caltech Camera Traps."""

    categories: list[Category]
    images: list[Image]
    annotations: list[Annotation]


class Photograph(NamedTuple):
    """An image at one of the four locations.

    Attributes:
        location: its location, without the ``L`` of its domain's name.
        sequence: identifier of the burst of frames that it belongs to, None if unknown.
        classes: the classes of its annotations that are among the ten, sorted.
        annotations: number of its annotations, of any class.
    """

    location: str
    sequence: str | None
    classes: tuple[str, ...]
    annotations: int


class Index(NamedTuple):
    """The content of the annotation files for the four locations.

    Attributes:
        photographs: the photographs by file name.
        outside: number of their annotations whose class is not one of the ten.
        unlisted: number of annotations, of any location, whose image no file lists.
    """

    photographs: Mapping[str, Photograph]
    outside: int
    unlisted: int


def unpack_archives(root: Path, settings: Section, images: ArchiveFile, annotations: ArchiveFile) -> None:
    """Write ``<root>/L<location>/<class>/<sequence>_<file name>``, and ``<root>/acquisition.json`` with numbers of images.

    The frames of a burst are almost the same photograph. Their file names begin with the burst's identifier, so that
    ``split_group`` can keep them in one split.

    Raises:
        InputError: see :func:`align.acquisition.extraction.extract`; or the annotations cannot be used; or the archive of images
            holds none of the annotated images; or ``root`` is not empty.
    """
    files = read_annotations(annotations)
    index = index_annotations(files)
    archived: set[str] = set()

    def destination_or_reason(member: PurePosixPath) -> PurePosixPath | str:
        photograph = index.photographs.get(member.name)
        if photograph is None:
            return "not listed at the four locations"
        archived.add(member.name)
        return destination(member.name, photograph) or "not of one class"

    with whole_folder(root) as folder:
        if not extract(images, folder, destination_or_reason).written:
            raise InputError(
                f"{images.path}: found none of the {len(index.photographs)} images that {annotations.path} lists at locations "
                "38, 43, 46 and 100; take both archives from the same publisher, or correct `archive:`"
            )
        report = summary(index, archived) | {"annotation_files": sorted(files), "incomplete": incomplete(files, index, archived)}
        write_json(folder / "acquisition.json", report)
    LOG.info("%s: %d images, %+d compared with the published %d", root, report["images"], report["difference"], PUBLISHED_TOTAL)


def incomplete(files: Collection[str], index: Index, archived: Collection[str]) -> list[str]:
    """Return a sentence for each thing that the two archives lack: images of the data set, or annotation files.

    Args:
        files: paths of the annotation files.
        index: the content of the annotation files.
        archived: file names of the images that the archive holds.
    """
    absent = sum(len(each.classes) == 1 and name not in archived for name, each in index.photographs.items())
    missing = [f"the archive lacks {absent} of the images that are listed for it"] if absent else []
    names = {PurePosixPath(file).name.removesuffix("_annotations.json") for file in files}
    if unread := sorted(ANNOTATION_FILES - names):
        missing.append(f"the annotations of {', '.join(unread)} are missing")
    return missing


def read_annotations(archive: ArchiveFile) -> dict[str, AnnotationFile]:
    """Return the content of every ``*_annotations.json`` of an archive, by its path in the archive.

    Raises:
        InputError: there is no such file, or one of them is no annotation file of Caltech Camera Traps.
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
    """Parse an annotation file.

    Args:
        content: the bytes of the file.
        name: the file's name, for messages.

    Raises:
        InputError: it is no annotation file of Caltech Camera Traps; the message names the first wrong value.
    """
    try:
        return AnnotationFile.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        found = "" if first["type"] == "missing" else f", found {str(first['input'])[:80]!r}"
        raise InputError(
            f"{name}: {key}: {first['msg']}{found}; expected an annotation file of Caltech Camera Traps, with categories, "
            "images and annotations; take the archive from its publisher"
        ) from None


def index_annotations(files: Mapping[str, AnnotationFile]) -> Index:
    """Assign the annotations to their images. An image or annotation that stands in several files counts once.

    Raises:
        InputError: two files contradict each other about an image, or a file does not name the class of an annotation.
    """
    listed: dict[str, Image] = {}
    file_names: dict[str, str] = {}  # by identifier of the image
    for name, file in files.items():
        for image in file.images:
            first = listed.setdefault(image.file_name, image)
            if first.location != image.location:
                raise _conflict(
                    name, f"{image.file_name} at location {image.location}", f"location {first.location} as in another file"
                )
            if file_names.setdefault(image.id, image.file_name) != image.file_name:
                raise _conflict(name, f"image {image.id} as {image.file_name}", f"{file_names[image.id]} as in another file")
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
    """Return the path of an image below the data set's folder, None unless the image has exactly one of the ten classes."""
    if len(photograph.classes) != 1:
        return None
    name = f"{photograph.sequence}_{file_name}" if photograph.sequence else file_name
    return PurePosixPath(f"L{photograph.location}", photograph.classes[0], name)


def summary(index: Index, archived: Collection[str]) -> dict[str, Any]:
    """Count the images of the data set, and the images and annotations that are left out.

    Args:
        index: the content of the annotation files.
        archived: file names of the images that the archive holds.

    Returns:
        ``images``: number of images of the data set. ``left_out``: numbers of what was left out, by reason.
        ``several_annotations``: number of listed images with more than one annotation. ``published_by_DomainBed``: the published
        number of images, and ``difference``: ours less that. ``images_by_DomainBed_rule``: number of files that DomainBed would
        make of the same archives, one for each class of an image.
    """
    photographs = index.photographs
    wanted = [name for name, each in photographs.items() if len(each.classes) == 1]
    images = sum(name in archived for name in wanted)
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
        "images_by_DomainBed_rule": sum(len(each.classes) for name, each in photographs.items() if name in archived),
    }
