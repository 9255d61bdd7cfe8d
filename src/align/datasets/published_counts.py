"""Published numbers of images of the data sets."""

import csv
from pathlib import Path
from typing import NamedTuple


class PublishedCount(NamedTuple):
    """The published number of images of a class in a domain. The label is ``all`` if only the domain's number is published."""

    domain: str
    label: str
    images: int


def published_counts(path: Path, name: str | None) -> list[PublishedCount]:
    """Return the published numbers of the data set ``name``, empty if there are none.

    Args:
        path: ``reference/dataset_counts.csv``.
        name: the data set's published name, None for a data set without one.
    """
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] == name]
    return [PublishedCount(row["domain"], row["class"], int(row["images"])) for row in rows]
