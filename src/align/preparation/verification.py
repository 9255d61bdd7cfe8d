"""Checking that a data set is complete, by the published numbers of images of each class in each domain."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from align.acquisition.archive_file import ArchiveFile
from align.acquisition.extraction import regular_files
from align.acquisition.integrity import IntegrityError
from align.datasets.archived_folders import LAYOUT, destination
from align.datasets.scan import is_image
from align.errors import InputError
from align.files import sha256

LOG = logging.getLogger("align")

ALL_CLASSES = "all"
LONGEST_TABLE = 60  # rows in a message


def count(
    manifest: pd.DataFrame,
    published: Sequence[tuple[str, str, int]],
    domains: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Count images by domain and class, or by domain if only the domains' numbers are published.

    Args:
        manifest: columns domain, class.
        published: domain, class and number of images of each published number. The class is ``all`` if only the domain's number
            is published.
        domains: the chosen domains; default: all.
        classes: the chosen classes; default: all.

    Returns:
        Columns domain, class, images, published. There is a row for each domain and class that has images or a published number;
        ``published`` is NA if there is none.
    """
    known = pd.DataFrame(published, columns=["domain", "class", "images"])
    for column, chosen in (("domain", domains), ("class", classes)):
        known = known[known[column].isin(chosen)] if chosen else known
    cells = manifest[["domain", "class"]]
    if not known.empty and known["class"].eq(ALL_CLASSES).all():
        cells = cells.assign(**{"class": ALL_CLASSES})
    found = cells.value_counts().rename("images")
    expected = known.set_index(["domain", "class"])["images"].rename("published")
    both = pd.concat([found, expected], axis=1).sort_index().astype("Int64")
    return both.assign(images=both["images"].fillna(0)).reset_index()


def require_whole(
    counts: pd.DataFrame, acquisition: Mapping[str, Any], root: str, published_as: str | None, allow_partial: bool
) -> None:
    """Check the numbers of images against the published ones, and that nothing was missing when the folder was made.

    Args:
        counts: the result of :func:`count`.
        acquisition: the result of :func:`align.datasets.folders.read_acquisition`; ``incomplete`` lists what was missing.
        root: the data set's folder, for the message.
        published_as: the data set's published name, for the message.
        allow_partial: if true, a difference is a warning in the log, and no error.

    Raises:
        InputError: a number differs, and the message has the whole table; or something was missing.
    """
    problems = [f"{root}: {missing}" for missing in acquisition.get("incomplete", [])]
    if difference := _difference(counts, f"as published of {published_as}"):
        problems.append(f"{root}: {difference}")
    message = "\n".join(problems)
    if problems and not allow_partial:
        raise InputError(
            f"{message}\ncomplete the folder, or remove it so that its source makes it again, or set `allow_partial: true` to go "
            "on with these images"
        )
    if problems:
        LOG.warning(
            "%s\ngoing on, since `allow_partial` or `part_of` is set; the table of data sets will have a warning", message
        )


def require_published_images(archive: ArchiveFile, published: Sequence[tuple[str, str, int]]) -> None:
    """Check the numbers of images in an archive, by domain and class, against the published ones. Nothing is unpacked.

    Args:
        archive: the archive, with its layout.
        published: see :func:`count`.

    Raises:
        IntegrityError: a number differs, and the message has the whole table.
        InputError: the archive is broken.
    """
    layout = archive.layout or LAYOUT
    images = [path for path, _ in regular_files(archive) if is_image(Path(path))]
    places = [place for path in images if not isinstance(place := destination(path, layout), str)]
    manifest = pd.DataFrame([place.parts[:2] for place in places], columns=["domain", "class"])
    counts = count(manifest, published).fillna({"published": 0})
    example = f"; the first path is {str(images[0])!r}" if images else ""
    if difference := _difference(counts, "as published", example):
        folders = "/".join(f"<{folder}>" for folder in layout.folders)
        raise IntegrityError(
            f"{archive.path}: in folders …/{folders}/ {difference}\n"
            f"to use this file all the same, state its `address:` and its `sha256: {sha256(archive.path)}`"
        )


def _difference(counts: pd.DataFrame, expected: str, remark: str = "") -> str | None:
    """Return what was found and what was expected, with a table. None if all numbers are the published ones."""
    known = counts.dropna(subset="published")
    differing = known[known["images"] != known["published"]]
    if differing.empty:
        return None
    table = known.assign(difference=known["images"] - known["published"]).to_string(index=False, max_rows=LONGEST_TABLE)
    return (
        f"found {known['images'].sum()} images, expected {known['published'].sum()} {expected} "
        f"({len(differing)} of {len(known)} numbers differ{remark}):\n{table}"
    )
