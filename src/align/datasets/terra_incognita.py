"""Terra Incognita: four locations of Caltech Camera Traps, with ten of its classes (Beery et al., ECCV 2018).

DomainBed (arXiv:2007.01434) has 24,788 images. Its script once read the annotations of all of Caltech Camera Traps
(``caltech_images_20210113.json``), and now reads the five files of the ECCV 2018 paper, which name fewer of these images. So
there are two versions here:

- ``24788`` takes the images of a list, which has the class and the location of each. Four of them have two classes. As in
  DomainBed, they are in both, so that 24,784 images make 24,788 files.
- ``current`` takes the images to which the annotation files give exactly one of the ten classes.
"""

import csv
import gzip
import logging
import shutil
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from align.acquisition.archive_file import ArchiveFile
from align.acquisition.extraction import extract, regular_files
from align.datasets.folders import ACQUISITION, SETTINGS_RECORD
from align.datasets.scan import is_image
from align.datasets.source_settings import TerraIncognitaSettings
from align.errors import InputError
from align.files import whole_folder, write_json

LOG = logging.getLogger("align")

LOCATIONS = frozenset({"38", "43", "46", "100"})
CLASSES = frozenset({"bird", "bobcat", "cat", "coyote", "dog", "empty", "opossum", "rabbit", "raccoon", "squirrel"})
ANNOTATION_FILES = frozenset({"cis_test", "cis_val", "train", "trans_test", "trans_val"})
PUBLISHED_TOTAL = 24_788
NAMED = 5  # a message names no more images


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
        elsewhere: the file names of the images at other locations.
        outside: number of their annotations whose class is not one of the ten.
        unlisted: number of annotations, of any location, whose image no file lists.
    """

    photographs: Mapping[str, Photograph]
    elsewhere: frozenset[str]
    outside: int
    unlisted: int


class Listed(NamedTuple):
    """An image of version 24788: its domain, and its classes, of which four images have two."""

    domain: str
    classes: tuple[str, ...]


def unpack_archives(
    root: Path, settings: TerraIncognitaSettings, images: ArchiveFile, annotations: ArchiveFile, listing: Path
) -> None:
    """Write ``<root>/L<location>/<class>/<sequence>_<file name>``, a record of the settings, and ``<root>/acquisition.json``.

    The frames of a burst are almost the same photograph. Their file names begin with the burst's identifier, so that
    ``split_group`` can keep them in one split. ``acquisition.json`` has numbers of images, what the archives lack, and the paths
    of the images that are in two classes.

    Args:
        root: the folder to make.
        settings: the version.
        images: the archive of images, flat or in DomainBed's folders ``location_<location>/<class>/``.
        annotations: the archive of annotation files.
        listing: ``reference/terra_incognita_24788.csv.gz``.

    Raises:
        InputError: see :func:`align.acquisition.extraction.extract`; or the annotations cannot be used; or the archive of images
            holds none of the images of the version; or ``root`` is not empty.
    """
    files = read_annotations(annotations)
    index = index_annotations(files)
    listed = {} if settings.version == "current" else read_list(listing)
    wanted = listed_destinations(listed, index) if listed else annotated_destinations(index)
    with whole_folder(root) as folder:
        archived = write_images(images, folder, wanted)
        if archived.isdisjoint(wanted):
            raise InputError(
                f"{images.path}: found none of the {len(wanted):,} images of version {settings.version}, which are of locations "
                f"38, 43, 46 and 100 (the annotations are those of {annotations.path}); take both archives from the same "
                "publisher, or correct `archive:`"
            )
        report = (
            listed_summary(listed, index, archived) | {"in_two_classes": _in_two_classes(wanted, archived)}
            if listed
            else summary(index, archived) | {"incomplete": incomplete(files, index, archived)}
        )
        write_json(folder / ACQUISITION, report | {"annotation_files": sorted(files)})
        write_json(folder / SETTINGS_RECORD, settings.model_dump(mode="json"))
    LOG.info("%s: %d images, %+d compared with the published %d", root, report["images"], report["difference"], PUBLISHED_TOTAL)
    for problem in report["incomplete"]:
        LOG.warning("%s: %s", root, problem)


def write_images(archive: ArchiveFile, folder: Path, wanted: Mapping[str, Mapping[str, PurePosixPath]]) -> set[str]:
    """Write the wanted images of an archive, and return the file names of its images.

    An archive may have a folder for each class. Then a wanted image is only taken from the folders of its classes, and its name
    is only returned if it is in one of them.

    Args:
        archive: the archive.
        folder: the folder to write to.
        wanted: by file name, the path below ``folder`` for each class of the image.
    """
    archived: set[str] = set()

    def destination_or_reason(member: PurePosixPath) -> PurePosixPath | str:
        if not is_image(Path(member)):
            return "not an image"
        if member.name not in wanted:
            archived.add(member.name)
            return "not wanted"
        places, class_folder = wanted[member.name], member.parent.name
        path = places.get(class_folder) if class_folder in CLASSES else next(iter(places.values()))
        if path is None:
            return "in the folder of another class"
        archived.add(member.name)
        return path

    extract(archive, folder, destination_or_reason)
    for places in wanted.values():
        if len(places) > 1:
            _complete([folder / path for path in places.values()])
    return archived


def _complete(copies: Collection[Path]) -> None:
    """Write the absent ones of the copies of an image, if one of them is there."""
    if there := next(filter(Path.exists, copies), None):
        for copy in copies:
            if not copy.exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(there, copy)


def read_list(path: Path) -> dict[str, Listed]:
    """Return the images of version 24788 by file name.

    Args:
        path: a compressed table with the columns domain, class and image_id. An image of two classes has two rows.
    """
    domains: dict[str, str] = {}
    classes: defaultdict[str, list[str]] = defaultdict(list)
    with gzip.open(path, "rt", newline="") as file:
        for row in csv.DictReader(file):
            name = f"{row['image_id']}.jpg"
            domains[name] = row["domain"]
            classes[name].append(row["class"])
    return {name: Listed(domain, tuple(sorted(classes[name]))) for name, domain in domains.items()}


def annotated_destinations(index: Index) -> dict[str, dict[str, PurePosixPath]]:
    """Return, by file name, the class and the path of each image that has exactly one of the ten classes."""
    return {
        name: {photograph.classes[0]: path}
        for name, photograph in index.photographs.items()
        if (path := destination(name, photograph))
    }


def listed_destinations(listed: Mapping[str, Listed], index: Index) -> dict[str, dict[str, PurePosixPath]]:
    """Return, by file name, the path of each image of a list for each of its classes."""
    names = {name: _with_sequence(name, _sequence(name, index)) for name in listed}
    return {
        name: {label: PurePosixPath(image.domain, label, names[name]) for label in image.classes}
        for name, image in listed.items()
    }


def listed_summary(listed: Mapping[str, Listed], index: Index, archived: Collection[str]) -> dict[str, Any]:
    """Count the images of a list, and name those that the archive lacks and those that the annotation files contradict.

    Args:
        listed: the images of the version by file name.
        index: the content of the annotation files.
        archived: file names of the images that the archive holds.

    Returns:
        ``images``: number of files of the data set; an image of two classes is two. ``left_out``: numbers of images, by reason.
        ``images_of_two_classes``, ``images_without_a_burst``, ``images_compared_with_annotations`` and
        ``images_annotated_otherwise``: numbers of images; the last are those to which the annotation files give another location
        or class. ``published_by_DomainBed``: the published number of files, and ``difference``: ours less that. ``incomplete``: a
        sentence if the archive lacks images. ``lacking`` and ``annotated_otherwise``: names of images.
    """
    held = {name: image for name, image in listed.items() if name in archived}
    lacking = sorted(listed.keys() - held.keys())
    annotated = {name: each for name in held if (each := _annotated(name, index))}
    otherwise = sorted(name for name, image in annotated.items() if image != held[name])
    images = sum(len(image.classes) for image in held.values())
    return {
        "images": images,
        "left_out": {
            "image not in the archive": len(lacking),
            "image of the archive that is not listed": len(set(archived) - held.keys()),
        },
        "images_of_two_classes": sum(len(image.classes) > 1 for image in held.values()),
        "images_without_a_burst": sum(_sequence(name, index) is None for name in held),
        "images_compared_with_annotations": len(annotated),
        "images_annotated_otherwise": len(otherwise),
        "published_by_DomainBed": PUBLISHED_TOTAL,
        "difference": images - PUBLISHED_TOTAL,
        "incomplete": [_lacks(lacking, len(listed))] if lacking else [],
        "lacking": lacking,
        "annotated_otherwise": otherwise,
    }


def _in_two_classes(wanted: Mapping[str, Mapping[str, PurePosixPath]], archived: Collection[str]) -> list[str]:
    """Return the paths of the images that the data set has in two classes on purpose."""
    twice = [places for name, places in wanted.items() if len(places) > 1 and name in archived]
    return sorted(str(path) for places in twice for path in places.values())


def _lacks(lacking: Sequence[str], listed: int) -> str:
    first = ", ".join(lacking[:NAMED]) + (", …" if len(lacking) > NAMED else "")
    return f"the archive lacks {len(lacking):,} of the {listed:,} listed images ({first}); acquisition.json names them all"


def _annotated(name: str, index: Index) -> Listed | None:
    """Return location and classes of an image as the annotation files have them, None if they do not annotate it."""
    if name in index.elsewhere:
        return Listed("another location", ())
    photograph = index.photographs.get(name)
    return Listed(f"L{photograph.location}", photograph.classes) if photograph and photograph.annotations else None


def _sequence(name: str, index: Index) -> str | None:
    photograph = index.photographs.get(name)
    return photograph.sequence if photograph else None


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
    return Index(photographs, frozenset(listed.keys() - photographs.keys()), outside, unlisted)


def _conflict(name: str, found: str, expected: str) -> InputError:
    return InputError(f"{name}: found {found}, expected {expected}; take the annotations from their publisher")


def destination(file_name: str, photograph: Photograph) -> PurePosixPath | None:
    """Return the path of an image below the data set's folder, None unless the image has exactly one of the ten classes."""
    if len(photograph.classes) != 1:
        return None
    return PurePosixPath(f"L{photograph.location}", photograph.classes[0], _with_sequence(file_name, photograph.sequence))


def _with_sequence(file_name: str, sequence: str | None) -> str:
    return f"{sequence}_{file_name}" if sequence else file_name


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
