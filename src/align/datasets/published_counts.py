"""Published numbers of images."""

import csv
from pathlib import Path
from typing import NamedTuple


class PublishedCount(NamedTuple):
    """The published number of images of a class of a domain; ``all`` where only the domain's is published."""

    domain: str
    label: str
    images: int


def published_counts(path: Path, name: str | None) -> list[PublishedCount]:
    """Return the rows of a data set in ``reference/dataset_counts.csv``; none where nothing is published of it."""
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] == name]
    return [PublishedCount(row["domain"], row["class"], int(row["images"])) for row in rows]
